"""A trained network with equalised channels -> the same network, fine-tuned to 8 bits.

The network is its own teacher (self-distillation): with fake quantisation it learns to give the embedding, and every
tap that the heads read, as it gives them in float32. So embeddings stay comparable and the heads stay unchanged.
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

_COMPARISON_FACES = 64  # representative inputs on which the loss before and after is compared


def train_quantisation_aware(recipe: Recipe, checkpoint: Checkpoint, data: Path) -> Checkpoint | None:
    """Fine-tune a trained network to 8 bits; return None where the recipe has no [tuning].

    Raises:
        TrainingError: the loss did not fall.
        DataError: pictures are missing or damaged.
    """
    if recipe.tuning is None or recipe.distillation is None:
        return None
    batches, _ = load_batches(recipe, recipe.distillation, data)
    crops = representative_crops(recipe, data)
    plan, equalised = BACKBONES[recipe.backbone](), equalised_checkpoint(recipe, checkpoint, "int8", crops)
    trainer = QuantisationAwareTrainer(plan, equalised, batches, torch.from_numpy(crops), recipe.tuning)
    with Progress("fine-tune to 8 bits, steps", recipe.tuning.steps) as progress:
        return trainer.train(progress.advance)


class QuantisationAwareTrainer:
    """Fine-tune a backbone with fake quantisation.

    Args:
        plan: plan of the backbone.
        checkpoint: the trained network, its channels equalised.
        batches: the training pictures.
        faces: representative inputs that give the value range of each map, shape (n, height, width, 3).
        settings: the recipe's [tuning].
    """

    def __init__(
        self, plan: Plan, checkpoint: Checkpoint, batches: Batches, faces: torch.Tensor, settings: Tuning
    ) -> None:
        self._checkpoint = checkpoint
        self._batches = batches
        self._settings = settings
        self._spreads = {tap: torch.from_numpy(scale.spread) for tap, scale in checkpoint.scales.items()}
        self._reference, self._quantised = TorchNetwork(plan, {}), TorchNetwork(plan, {})
        for network in (self._reference, self._quantised):
            network.load_weights(checkpoint.convolutions, faces)
            network.freeze_batch_norm()
        self._quantised.fake_quantise(faces)
        self._comparison_faces = faces[:: max(1, len(faces) // _COMPARISON_FACES)]

    def train(self, advance: Callable[[], None]) -> Checkpoint:
        """Return the checkpoint with fine-tuned convolutions.

        Args:
            advance: called after each step.

        Raises:
            TrainingError: the loss over representative inputs did not fall.
        """
        settings, before = self._settings, self.distance()
        optimizer = torch.optim.Adam(self._quantised.parameters(), lr=settings.learning_rate)
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
                f"fine-tuning to 8 bits raised the loss from {before:.4f} to {after:.4f}: lower tuning.learning_rate"
            )
        return replace(self._checkpoint, convolutions=self._quantised.folded())

    def distance(self) -> float:
        """Return the loss over some of the representative inputs."""
        with torch.no_grad():
            return float(self._loss(self._comparison_faces))

    def _loss(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the loss against the float32 network: 1 - cos, and the squared difference of the scaled taps."""
        with torch.no_grad():
            wanted = self._reference.taps(pictures)
        given = self._quantised.taps(pictures)
        cosine = functional.cosine_similarity(given[EMBEDDING], wanted[EMBEDDING], dim=1)
        loss = self._settings.cosine_weight * (1 - cosine.mean())
        for tap, spread in self._spreads.items():
            if tap != EMBEDDING:
                loss = loss + (((given[tap] - wanted[tap]) / spread) ** 2).mean() / len(self._spreads)
        return loss
