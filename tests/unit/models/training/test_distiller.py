"""Distillation of a tiny backbone: what it learns, what a seed decides, and how it goes on after it was stopped."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'facenode[train]'")
pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install 'facenode[train]'")

import torch

from models.arrays import unit_rows
from models.errors import TrainingError
from models.networks.plan import PICTURE, Plan, PlanBuilder
from models.networks.torch_network import TorchNetwork
from models.recipe.sections import Distillation, Views, Weights
from models.training.batches import Batches, TrainingSet
from models.training.curves import write_curves
from models.training.distiller import Distiller, TrainingProgress
from models.training.run_folder import RunFolder, TrainingState

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


def test_a_student_comes_nearer_to_its_teacher(tmp_path: Path) -> None:
    """The cosine to the teacher's embedding rises: the loss falls to under three quarters of what it was."""
    distiller = _distiller(tmp_path)
    distiller.train(_nothing)
    losses = distiller.curve["cosine"]
    assert np.mean(losses[-5:]) < 0.75 * np.mean(losses[:5])


def test_a_seed_gives_the_same_losses_again(tmp_path: Path) -> None:
    """Nothing but recipe, pictures and seed decides what is learnt: every loss is the same number."""
    first, second = _distiller(tmp_path / "a"), _distiller(tmp_path / "b")
    first.train(_nothing)
    second.train(_nothing)
    assert first.curve == second.curve
    other = _distiller(tmp_path / "c", seed=2)
    other.train(_nothing)
    assert other.curve["loss"] != first.curve["loss"]


def test_a_stopped_training_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    """From the last checkpoint on, every loss is what it would have been."""
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


def test_a_training_stopped_while_the_rate_falls_goes_on_settled(tmp_path: Path) -> None:
    """Batch norms that had settled are not let loose again: every loss is what it would have been."""
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


def test_a_finished_training_has_nothing_left_to_do(tmp_path: Path) -> None:
    """Started again it gives the same weights at once."""
    whole = _distiller(tmp_path)
    whole.train(_nothing)
    again = _distiller(tmp_path)
    assert again.resume() == SETTINGS.steps
    again.train(_nothing)
    assert again.curve == whole.curve


def test_a_lengthened_training_goes_on_before_the_rate_fell(tmp_path: Path) -> None:
    """A course of twice the steps is what it would have been from the beginning: every loss is the same."""
    longer = SETTINGS.model_copy(update={"steps": 2 * SETTINGS.steps})
    whole = _distiller(tmp_path / "whole", longer)
    whole.train(_nothing)
    _distiller(tmp_path / "longer").train(_nothing)
    lengthened = _distiller(tmp_path / "longer", longer)
    assert lengthened.resume() == 30
    lengthened.train(_nothing)
    assert lengthened.curve == whole.curve


def test_the_rate_rises_stays_and_falls(tmp_path: Path) -> None:
    """Over the warm-up, until the last quarter, and from half of it to nearly nothing (tolerance 1e-9)."""
    distiller = _distiller(tmp_path)
    assert [distiller.rate(step) for step in (0, 3, 29, 35)] == pytest.approx([0.0025, 0.01, 0.01, 0.0025], abs=1e-9)
    assert distiller.rate(39) == pytest.approx(0.0005, abs=1e-9)


def test_a_loss_that_is_no_number_ends_the_training(tmp_path: Path) -> None:
    """The message says at which step, and what to do; nothing is saved after it."""
    distiller = _distiller(tmp_path, SETTINGS.model_copy(update={"learning_rate": 1.0e30, "warmup_steps": 0}))
    with pytest.raises(TrainingError, match=r"step \d+: the loss is .*lower distillation.learning_rate"):
        distiller.train(_nothing)


def test_the_curve_is_a_table_and_a_picture(tmp_path: Path) -> None:
    """Every step is a row; the picture is drawn from the same numbers."""
    distiller = _distiller(tmp_path)
    distiller.train(_nothing)
    picture = write_curves(distiller.curve, tmp_path)
    rows = list(csv.DictReader((tmp_path / "losses.csv").read_text().splitlines()))
    assert [float(row["loss"]) for row in rows] == pytest.approx(distiller.curve["loss"], rel=1e-9)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_targets_are_the_mean_over_views() -> None:
    """What the teacher says of several views of a picture counts as one direction."""
    embeddings = np.array([[[3.0, 0.0], [0.0, 3.0]]], dtype=np.float32)
    part = TrainingSet(np.zeros((1, 20, 20, 3), dtype=np.uint8), embeddings, {}, 1.0)
    assert Batches([part], (16, 16), VIEWS, 1).targets == pytest.approx(np.array([[0.5**0.5, 0.5**0.5]]), abs=1e-6)


def test_lessons_come_from_the_data_sets_by_their_shares() -> None:
    """A data set of few pictures can be half of the lessons (tolerance .05 of 2,000 draws)."""
    small = TrainingSet(np.zeros((2, 20, 20, 3), dtype=np.uint8), np.ones((2, 1, 4), dtype=np.float32), {}, 0.5)
    large = TrainingSet(np.zeros((50, 20, 20, 3), dtype=np.uint8), np.ones((50, 1, 4), dtype=np.float32), {}, 0.5)
    numbers = Batches([small, large], (16, 16), VIEWS, 1).batch(0, 2000).numbers
    assert np.mean(numbers < 2) == pytest.approx(0.5, abs=0.05)
    assert set(numbers) <= set(range(52))


def test_a_step_has_its_own_lessons() -> None:
    """Drawn again they are the same; another step's are others."""
    batches = _batches()
    assert np.array_equal(batches.batch(3, 8).pictures, batches.batch(3, 8).pictures)
    assert not np.array_equal(batches.batch(3, 8).pictures, batches.batch(4, 8).pictures)


def test_rare_answers_weigh_more() -> None:
    """A label of n pictures weighs n^-p; over all pictures the mean weight is one (tolerance 1e-6)."""
    label_targets = {"age": np.eye(2, dtype=np.float32)[[0, 0, 0, 0, 1]]}
    part = TrainingSet(
        np.zeros((5, 20, 20, 3), dtype=np.uint8), np.ones((5, 1, 4), dtype=np.float32), label_targets, 1.0
    )
    weights = Batches([part], (16, 16), VIEWS, 1).weights("age", 0.5)
    assert weights[1] / weights[0] == pytest.approx(2.0, abs=1e-6)
    assert 4 * weights[0] + weights[1] == pytest.approx(5.0, abs=1e-6)


def _state(size: int) -> TrainingState:
    return TrainingState("recipe", 1, {"w": torch.zeros(size)}, {}, {"rate": [0.1]})


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path: Path) -> None:
    """Its weights would be of another training; the message says what to delete."""
    folder = RunFolder("tiny", tmp_path)
    folder.save(_state(1))
    with pytest.raises(TrainingError, match="another recipe: delete"):
        folder.load("other")


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    """Half a file is no checkpoint."""
    folder = RunFolder("tiny", tmp_path)
    folder.save(_state(1000))
    file = folder.path / "latest.pt"
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(TrainingError, match=r"latest\.pt: the checkpoint is damaged"):
        folder.load("recipe")


def test_a_full_disk_leaves_the_last_checkpoint_whole(tmp_path: Path) -> None:
    """What can't be written whole replaces nothing: one clear line, and the training goes on from the last one."""
    folder = RunFolder("tiny", tmp_path)
    folder.save(_state(10))
    program = """
import resource, sys, torch
from pathlib import Path
from models.errors import TrainingError
from models.training.run_folder import RunFolder, State
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
state = State("recipe", 2, {"w": torch.zeros(1_000_000)}, {}, {"rate": [0.1]})
try:
    RunFolder("tiny", Path(sys.argv[1])).save(state)
except TrainingError as error:
    print(error)
"""
    root = Path(__file__).resolve().parents[4]
    command = [sys.executable, "-c", program, str(tmp_path)]
    found = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True, timeout=120)
    assert "latest.pt" in found.stdout
    assert "the last checkpoint, which is intact" in found.stdout
    assert len(found.stdout.splitlines()) == 1
    kept = folder.load("recipe")
    assert kept is not None
    assert kept.step == 1
    assert [file.name for file in folder.path.iterdir()] == ["latest.pt"]


def test_unit_rows_of_targets() -> None:
    """Targets have unit length, so that a product with them is a cosine (tolerance 1e-6)."""
    targets = _batches().targets
    assert targets == pytest.approx(unit_rows(targets), abs=1e-6)
