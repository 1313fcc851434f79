"""Distillation of a tiny backbone: learning, reproducibility, and resuming."""

import csv
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'facenode[train]'")
pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'facenode[train]'")

import torch

from models.errors import TrainingError
from models.networks.plan import PICTURE, Plan, PlanBuilder
from models.networks.torch_network import TorchNetwork
from models.recipe.sections import Distillation, Views, Weights
from models.training.batches import Batches, TrainingSet
from models.training.curves import write_curves
from models.training.distiller import Distiller, TrainingProgress
from models.training.run_folder import RunFolder

VIEWS = Views(count=1, margin_px=2, shift_px=1.0, turn_deg=5.0, zoom=0.05, brightness=0.1, contrast=0.1, blur=0.2)
SETTINGS = Distillation(
    teacher=Weights(file="none", sha256="0" * 64),
    data={"utkface": 1.0},
    views=VIEWS,
    steps=40,
    warmup_steps=4,
    fall_share=0.25,
    settled_rate=0.5,
    batch=8,
    learning_rate=0.01,
    weight_decay=0.01,
    cosine_weight=5.0,
    neighbours_weight=1.0,
    temperature=0.1,
    heads_weight=0.3,
    save_steps=10,
)


def _plan() -> Plan:
    builder = PlanBuilder()
    x = builder.convolve("stem", PICTURE, 8, 3, stride=2)
    x = builder.depthwise("block_depthwise", x, stride=2)
    x = builder.convolve("block", x, 16)
    x = builder.depthwise("whole_face", x, 4, padding="valid", activation="none")
    builder.convolve("embedding_project", x, 12, activation="none")
    return Plan("tiny", (127.5,) * 3, (127.5,) * 3, tuple(builder.steps), {})


def _batches(seed: int = 1) -> Batches:
    rng = np.random.default_rng(5)
    count = 40
    crops = rng.integers(0, 256, (count, 20, 20, 3), dtype=np.uint8)
    crops[: count // 2] //= 3
    embeddings = rng.normal(size=(count, 3, 12)).astype(np.float32)
    embeddings[: count // 2] += 2
    label_targets = {"age": np.eye(3, dtype=np.float32)[np.arange(count) % 3]}
    return Batches([TrainingSet(crops, embeddings, label_targets, 1.0)], (16, 16), VIEWS, seed)


def _distiller(folder: Path, settings: Distillation = SETTINGS, seed: int = 1) -> Distiller:
    torch.manual_seed(seed)
    student = TorchNetwork(_plan(), {"age": 3})
    return Distiller(student, _batches(seed), settings, RunFolder("tiny", folder), "recipe", balance=0.5)


def _nothing(_training_key: TrainingProgress) -> None:
    pass


def test_training_brings_a_student_nearer_to_its_teacher(tmp_path: Path) -> None:
    """The cosine loss falls below three quarters of its initial value."""
    distiller = _distiller(tmp_path)
    distiller.train(_nothing)
    losses = distiller.curve["cosine"]
    assert np.mean(losses[-5:]) < 0.75 * np.mean(losses[:5])


def test_losses_are_reproducible(tmp_path: Path) -> None:
    """Recipe, pictures and seed determine every loss."""
    first, second = _distiller(tmp_path / "a"), _distiller(tmp_path / "b")
    first.train(_nothing)
    second.train(_nothing)
    assert first.curve == second.curve
    other = _distiller(tmp_path / "c", seed=2)
    other.train(_nothing)
    assert other.curve["loss"] != first.curve["loss"]


def test_a_resumed_training_has_the_same_losses(tmp_path: Path) -> None:
    """From the last checkpoint on, every loss is that of an uninterrupted training."""
    whole = _distiller(tmp_path / "whole")
    whole.train(_nothing)

    def stop(course: TrainingProgress) -> None:
        if course.step > 0:
            raise KeyboardInterrupt

    stopped = _distiller(tmp_path / "stopped", SETTINGS.model_copy(update={"save_steps": 1}))
    with pytest.raises(KeyboardInterrupt):
        stopped.train(stop)
    resumed = _distiller(tmp_path / "stopped")
    assert resumed.resume() == 1
    resumed.train(_nothing)
    assert resumed.curve == whole.curve


def test_a_training_resumed_during_decay_keeps_batch_norm_frozen(tmp_path: Path) -> None:
    """Every loss is that of an uninterrupted training."""
    whole = _distiller(tmp_path / "whole")
    whole.train(_nothing)
    folder = tmp_path / "stopped"
    _distiller(folder).train(_nothing)
    (folder / "runs" / "tiny" / "latest.pt").unlink()

    def stop(course: TrainingProgress) -> None:
        if course.step == 31:
            raise KeyboardInterrupt

    stopped = _distiller(folder, SETTINGS.model_copy(update={"save_steps": 1}))
    assert stopped.resume() == 30
    with pytest.raises(KeyboardInterrupt):
        stopped.train(stop)
    resumed = _distiller(folder)
    assert resumed.resume() == 31
    resumed.train(_nothing)
    assert resumed.curve == whole.curve


def test_a_finished_training_does_no_more_steps(tmp_path: Path) -> None:
    """Started again, it ends at once with the same losses."""
    whole = _distiller(tmp_path)
    whole.train(_nothing)
    again = _distiller(tmp_path)
    assert again.resume() == SETTINGS.steps
    again.train(_nothing)
    assert again.curve == whole.curve


def test_an_extended_training_resumes_before_the_decay(tmp_path: Path) -> None:
    """With twice the steps, every loss is that of a training that had them from the beginning."""
    longer = SETTINGS.model_copy(update={"steps": 2 * SETTINGS.steps})
    whole = _distiller(tmp_path / "whole", longer)
    whole.train(_nothing)
    _distiller(tmp_path / "longer").train(_nothing)
    lengthened = _distiller(tmp_path / "longer", longer)
    assert lengthened.resume() == 30
    lengthened.train(_nothing)
    assert lengthened.curve == whole.curve


def test_the_learning_rate_warms_up_stays_and_decays(tmp_path: Path) -> None:
    """It rises over the warm-up, is constant until the last quarter, and decays from half of it to almost zero."""
    distiller = _distiller(tmp_path)
    assert [distiller.rate(step) for step in (0, 3, 29, 35)] == pytest.approx([0.0025, 0.01, 0.01, 0.0025], abs=1e-9)
    assert distiller.rate(39) == pytest.approx(0.0005, abs=1e-9)


def test_a_loss_that_is_not_finite_ends_the_training(tmp_path: Path) -> None:
    """The message gives the step and what to do."""
    distiller = _distiller(tmp_path, SETTINGS.model_copy(update={"learning_rate": 1.0e30, "warmup_steps": 0}))
    with pytest.raises(TrainingError, match=r"step \d+: the loss is .*lower distillation.learning_rate"):
        distiller.train(_nothing)


def test_the_losses_are_written_as_a_table_and_a_plot(tmp_path: Path) -> None:
    """The table has a row per step."""
    distiller = _distiller(tmp_path)
    distiller.train(_nothing)
    picture = write_curves(distiller.curve, tmp_path)
    rows = list(csv.DictReader((tmp_path / "losses.csv").read_text().splitlines()))
    assert [float(row["loss"]) for row in rows] == pytest.approx(distiller.curve["loss"], rel=1e-9)
    assert picture.read_bytes().startswith(b"\x89PNG")
