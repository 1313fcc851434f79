"""The checkpoints of a training on disk."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'facenode[train]'")

import torch

from models.errors import TrainingError
from models.training.run_folder import RunFolder, TrainingState


def _state(size: int) -> TrainingState:
    return TrainingState("recipe", 1, {"w": torch.zeros(size)}, {}, {"rate": [0.1]})


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path: Path) -> None:
    """The message says what to delete."""
    folder = RunFolder("tiny", tmp_path)
    folder.save(_state(1))
    with pytest.raises(TrainingError, match="another recipe: delete"):
        folder.load("other")


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    """A truncated file is an error."""
    folder = RunFolder("tiny", tmp_path)
    folder.save(_state(1000))
    file = folder.path / "latest.pt"
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(TrainingError, match=r"latest\.pt: the checkpoint is damaged"):
        folder.load("recipe")


def test_a_full_disk_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    """A failed write replaces nothing: it is an error in one line, and training can resume from the last checkpoint."""
    folder = RunFolder("tiny", tmp_path)
    folder.save(_state(10))
    program = """
import resource, sys, torch
from pathlib import Path
from models.errors import TrainingError
from models.training.run_folder import RunFolder, TrainingState
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
state = TrainingState("recipe", 2, {"w": torch.zeros(1_000_000)}, {}, {"rate": [0.1]})
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
