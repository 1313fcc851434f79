"""Trained heads -> a file and back, so that export needs no pictures."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.architecture import TAPS, Group
from models.cache import FOLDER
from models.errors import TrainingError
from models.weights import Array


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """What a training gave.

    Attributes:
        people: ids of the closed set, in the order of `means`.
        means: mean embedding of each of them, shape (people, n), unit length.
        groups: the trained heads by name.
    """

    people: tuple[str, ...]
    means: Array
    groups: Mapping[str, Group]


def place(name: str, folder: Path = FOLDER) -> Path:
    """Return where the checkpoint of a recipe lies."""
    return folder / "checkpoints" / f"{name}.npz"


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint.

    Raises:
        TrainingError: the file cannot be written.
    """
    arrays: dict[str, npt.NDArray[Any]] = {"people": np.array(checkpoint.people), "means": checkpoint.means}
    for name, group in checkpoint.groups.items():
        arrays |= {f"{name}/taps/{tap}": kernel for tap, kernel in group.taps.items()}
        arrays |= {
            f"{name}/bias": group.bias,
            f"{name}/kernel": group.kernel,
            f"{name}/answer_bias": group.answer_bias,
        }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **arrays)
    except OSError as error:
        raise TrainingError(f"{path}: {error.strerror or error}: the checkpoint needs a writable disk") from error


def load_checkpoint(path: Path, heads: tuple[str, ...]) -> Checkpoint:
    """Read a checkpoint with the heads of these names.

    Raises:
        TrainingError: it is missing or lacks a head: train first.
    """
    try:
        with np.load(path) as content:
            arrays = dict(content)
        groups = {
            name: Group(
                {tap: arrays[f"{name}/taps/{tap}"] for tap in TAPS},
                arrays[f"{name}/bias"],
                arrays[f"{name}/kernel"],
                arrays[f"{name}/answer_bias"],
            )
            for name in heads
        }
        return Checkpoint(tuple(str(person) for person in arrays["people"]), arrays["means"], groups)
    except FileNotFoundError as error:
        raise TrainingError(f"{path}: no checkpoint: run python -m models.train with the same recipe first") from error
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(f"{path}: a damaged or older checkpoint ({error}): train again") from error
