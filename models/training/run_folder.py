"""A training that takes hours -> checkpoints on disk, each replaced only by a whole newer one."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from models.data.cache import FOLDER
from models.errors import TrainingError


@dataclass(frozen=True, slots=True, eq=False)
class TrainingState:
    """All that a training needs to go on as if it had not stopped.

    Attributes:
        recipe: digest of what the training depends on.
        step: steps done.
        model: its parameters and statistics.
        optimizer: its state.
        curve: losses by name of each step done.
    """

    recipe: str
    step: int
    model: dict[str, Any]
    optimizer: dict[str, Any]
    curve: dict[str, list[float]]


class RunFolder:
    """Where a training keeps its checkpoints.

    Args:
        name: of the recipe.
        folder: where all of them are.
    """

    def __init__(self, name: str, folder: Path = FOLDER) -> None:
        self.path = folder / "runs" / name

    def save(self, state: TrainingState, name: str = "latest") -> None:
        """Write a checkpoint in place of the last one of that name, which stays whole until the new one is.

        Raises:
            TrainingError: the disk is full or cannot be written.
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
        except (OSError, RuntimeError) as error:  # torch has its own error for a stream that fails
            partial.unlink(missing_ok=True)
            reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
            raise TrainingError(
                f"{file}: {reason}: make room and run again; it goes on from the last checkpoint, which is whole"
            ) from error

    def load(self, recipe: str, name: str = "latest") -> TrainingState | None:
        """Return a checkpoint; None where there is none.

        Raises:
            TrainingError: it is damaged, or another recipe made it.
        """
        file = self.path / f"{name}.pt"
        if not file.exists():
            return None
        try:
            state = TrainingState(**torch.load(file, weights_only=True))
        except Exception as error:  # torch raises many kinds for a damaged file
            raise TrainingError(f"{file}: a damaged checkpoint: delete it and run again") from error
        if state.recipe != recipe:
            raise TrainingError(f"{file}: made by another recipe: delete {self.path} to train anew")
        return state
