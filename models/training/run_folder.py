"""The state of a long training -> checkpoint files, each replaced atomically by a newer one."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from models.data.cache import FOLDER
from models.errors import TrainingError


@dataclass(frozen=True, slots=True, eq=False)
class TrainingState:
    """All that a training needs to resume as if it had not stopped.

    Attributes:
        recipe: digest of what the training depends on.
        step: steps done.
        model: parameters and batch-norm statistics.
        optimizer: state of the optimizer.
        curve: by name, the loss of each step done.
    """

    recipe: str
    step: int
    model: dict[str, Any]
    optimizer: dict[str, Any]
    curve: dict[str, list[float]]


class RunFolder:
    """The folder with the checkpoints of one training.

    Args:
        name: name of the recipe.
        folder: the cache, which holds the folders of all trainings.
    """

    def __init__(self, name: str, folder: Path = FOLDER) -> None:
        self.path = folder / "runs" / name

    def save(self, state: TrainingState, name: str = "latest") -> None:
        """Replace the checkpoint of that name; the old file stays intact until the new one is complete.

        Raises:
            TrainingError: the disk is full or not writable.
        """
        file = self.path / f"{name}.pt"
        partial = file.with_suffix(".part")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as stream:
                torch.save({field: getattr(state, field) for field in TrainingState.__slots__}, stream)
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(file)
        except (OSError, RuntimeError) as error:  # torch raises its own error when the stream fails
            partial.unlink(missing_ok=True)
            reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
            raise TrainingError(
                f"{file}: {reason}: free disk space and run again to resume from the last checkpoint, which is intact"
            ) from error

    def load(self, recipe: str, name: str = "latest") -> TrainingState | None:
        """Return a checkpoint; None where there is none.

        Raises:
            TrainingError: it is damaged, or is that of another recipe.
        """
        file = self.path / f"{name}.pt"
        if not file.exists():
            return None
        try:
            state = TrainingState(**torch.load(file, weights_only=True))
        except Exception as error:  # torch raises many kinds of errors for a damaged file
            raise TrainingError(f"{file}: the checkpoint is damaged: delete it and run again") from error
        if state.recipe != recipe:
            raise TrainingError(
                f"{file}: the checkpoint is that of another recipe: delete {self.path} to train from the beginning"
            )
        return state
