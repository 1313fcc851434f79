"""Quantisation-aware fine-tuning of a trained network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'facenode[train]'")
pytest.importorskip("tensorflow", reason="TensorFlow is not installed: pip install 'facenode[train]'")

import torch

from models.errors import RecipeError, TrainingError
from models.networks.checkpoint import Checkpoint, Scale
from models.networks.plan import PICTURE, Band, Plan, PlanBuilder
from models.networks.torch_network import TorchNetwork
from models.recipe.recipe import load_recipe
from models.recipe.sections import Tuning, Views
from models.training.batches import Batches, TrainingSet
from models.training.quantisation_aware import QuantisationAwareTrainer

VIEWS = Views(count=1, margin_px=2, shift_px=1.0, turn_deg=5.0, zoom=0.05, brightness=0.1, contrast=0.1, blur=0.2)
SETTINGS = Tuning(steps=400, batch=16, learning_rate=0.0001, cosine_weight=10.0)
CROPS = np.random.default_rng(5).integers(0, 256, (40, 20, 20, 3), dtype=np.uint8)
FACES = torch.from_numpy(CROPS[:, 2:18, 2:18].copy())
CONFIGS = Path(__file__).resolve().parents[4] / "models" / "configs"


def _plan() -> Plan:
    builder = PlanBuilder()
    x = builder.convolve("stem", PICTURE, 8, 3, stride=2)
    left = builder.convolve("left", x, 4)
    x = builder.concatenate("both", left, builder.pool("around", x, "mean", stride=1, padding="same"))
    x = builder.depthwise("block_depthwise", x, stride=2)
    x = builder.convolve("block", x, 16)
    x = builder.depthwise("whole_face", x, 4, padding="valid", activation="none")
    builder.convolve("embedding_project", x, 12, activation="none")
    return Plan("tiny", (127.5,) * 3, (127.5,) * 3, tuple(builder.steps), {"top": Band("block", 0, 2)})


def _checkpoint() -> Checkpoint:
    """Return random weights with very different channel ranges."""
    torch.manual_seed(3)
    network = TorchNetwork(_plan(), {})
    rng = np.random.default_rng(1)
    convolutions = tuple(
        replace(one, kernel=one.kernel * np.exp(1.5 * rng.normal(size=one.kernel.shape[2:])).astype(np.float32))
        for one in network.folded()
    )
    scales = {name: Scale(np.zeros(n, np.float32), np.ones(n, np.float32)) for name, n in (("top", 16),)}
    return Checkpoint(convolutions, (), np.zeros((0, 12), np.float32), scales, {})


def _trainer(settings: Tuning = SETTINGS) -> QuantisationAwareTrainer:
    part = TrainingSet(CROPS, np.ones((40, 1, 12), dtype=np.float32), {}, 1.0)
    return QuantisationAwareTrainer(_plan(), _checkpoint(), Batches([part], (16, 16), VIEWS, 1), FACES, settings)


def test_fine_tuning_lowers_the_loss_of_quantisation() -> None:
    """The loss falls below three quarters of its initial value."""
    trainer = _trainer()
    before = trainer.distance()
    trainer.train(lambda: None)
    assert trainer.distance() < 0.75 * before


def test_only_the_convolutions_change() -> None:
    """Heads and scales stay those of the trained network."""
    trainer, before = _trainer(), _checkpoint()
    after = trainer.train(lambda: None)
    assert not np.array_equal(after.convolutions[0].kernel, before.convolutions[0].kernel)
    assert np.array_equal(after.scales["top"].spread, before.scales["top"].spread)


def test_fine_tuning_is_reproducible() -> None:
    """The only random numbers are those of the batches, which have a seed."""
    first, second = (_trainer().train(lambda: None) for _ in range(2))
    assert np.array_equal(first.convolutions[-1].kernel, second.convolutions[-1].kernel)


@pytest.mark.parametrize("rate", [1.0, 1.0e30])
def test_a_learning_rate_that_is_too_high_is_an_error(rate: float) -> None:
    """A network that became worse is not kept; the message names the setting."""
    with pytest.raises(TrainingError, match=r"raised the loss from .*lower tuning.learning_rate"):
        _trainer(SETTINGS.model_copy(update={"learning_rate": rate})).train(lambda: None)


def test_tuning_without_distillation_is_refused(tmp_path: Path) -> None:
    """It needs the pictures of a distillation; the message says what to do."""
    recipe = tmp_path / "one.toml"
    text = (CONFIGS / "mobilefacenet.toml").read_text()
    recipe.write_text(f"{text}\n[tuning]\nsteps = 1\nbatch = 2\nlearning_rate = 0.1\ncosine_weight = 1.0\n")
    with pytest.raises(RecipeError, match=r"\[tuning\] needs"):
        load_recipe(recipe)
