"""A trained network, evened for 8 bits -> the same one, used to having its numbers rounded.

What it learns from is itself: rounded to 8 bits it shall answer what it answers unrounded (self-distillation), in the
embedding and in every map that the heads read. So embeddings stay comparable, and the heads stay as they are.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch.nn import functional

from models.command import Progress
from models.errors import TrainingError
from models.exporting.exporter import equalised_checkpoint, representative_crops
from models.names import EMBEDDING
from models.networks.backbones import BACKBONES
from models.networks.checkpoint import Checkpoint
from models.networks.plan import Plan
from models.networks.torch_network import TorchNetwork
from models.recipe.recipe import Recipe
from models.recipe.sections import Tuning
from models.training.batches import Batches
from models.training.distillation import load_batches

_SHOWN = 64  # of the typical inputs, on which a network is compared before and after


def tuned(recipe: Recipe, checkpoint: Checkpoint, data: Path) -> Checkpoint | None:
    """Tune the recipe's trained network to 8 bits; None where the recipe wants none of it.

    Raises:
        TrainingError: the network became worse by it.
        DataError: pictures are missing or damaged.
    """
    if recipe.tuning is None or recipe.distillation is None:
        return None
    batches, _ = load_batches(recipe, recipe.distillation, data)
    crops = representative_crops(recipe, data)
    plan, evened = BACKBONES[recipe.backbone](), equalised_checkpoint(recipe, checkpoint, "int8", crops)
    tuner = QuantisationAwareTrainer(plan, evened, batches, torch.from_numpy(crops), recipe.tuning)
    with Progress("tune to 8 bits, steps", recipe.tuning.steps) as progress:
        return tuner.tune(progress.advance)


class QuantisationAwareTrainer:
    """Tunes a backbone to rounding.

    Args:
        plan: of the backbone.
        checkpoint: the trained network, its channels even.
        batches: whose pictures it sees.
        faces: typical inputs, which show how far the values of each map reach, shape (n, height, width, 3).
        settings: of the tuning.
    """

    def __init__(
        self, plan: Plan, checkpoint: Checkpoint, batches: Batches, faces: torch.Tensor, settings: Tuning
    ) -> None:
        self._checkpoint = checkpoint
        self._batches = batches
        self._settings = settings
        self._spreads = {tap: torch.from_numpy(scale.spread) for tap, scale in checkpoint.scales.items()}
        self._whole, self._rounded = TorchNetwork(plan, {}), TorchNetwork(plan, {})
        for student in (self._whole, self._rounded):
            student.start(checkpoint.convolutions, faces)
            student.settle()
        self._rounded.round(faces)
        self._shown = faces[:: max(1, len(faces) // _SHOWN)]

    def tune(self, advance: Callable[[], None]) -> Checkpoint:
        """Return the checkpoint with tuned convolutions.

        Args:
            advance: called after each step.

        Raises:
            TrainingError: the network answers no nearer to itself than before.
        """
        settings, before = self._settings, self.distance()
        optimizer = torch.optim.Adam(self._rounded.parameters(), lr=settings.learning_rate)
        for step in range(settings.steps):
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * (1 - step / settings.steps)
            optimizer.zero_grad(set_to_none=True)
            self._loss(torch.from_numpy(self._batches.batch(step, settings.batch).pictures)).backward()
            optimizer.step()
            advance()
        after = self.distance()
        if not after < before:
            raise TrainingError(
                f"tuning to 8 bits made the network worse, {before:.4f} to {after:.4f}: lower tuning.learning_rate"
            )
        return replace(self._checkpoint, convolutions=self._rounded.folded())

    def distance(self) -> float:
        """Return the loss over some of the typical inputs."""
        with torch.no_grad():
            return float(self._loss(self._shown))

    def _loss(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return how far the rounded network's answers are from its own: 1 - cos, and the taps' in their spreads."""
        with torch.no_grad():
            wanted = self._whole.taps(pictures)
        given = self._rounded.taps(pictures)
        cosine = functional.cosine_similarity(given[EMBEDDING], wanted[EMBEDDING], dim=1)
        loss = self._settings.cosine_weight * (1 - cosine.mean())
        for tap, spread in self._spreads.items():
            if tap != EMBEDDING:
                loss = loss + (((given[tap] - wanted[tap]) / spread) ** 2).mean() / len(self._spreads)
        return loss
