"""The weights of a trained network <-> a file, so that export can run separately from training."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.arrays import Array
from models.data.cache import FOLDER
from models.errors import TrainingError
from models.networks.convolution import Convolution


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """Mean and spread of each channel of a tap over the training examples, each of shape (channels,).

    Standardised values quantise well: no single channel or offset sets the scale for all.
    """

    mean: Array
    spread: Array

    def standard(self, values: Array) -> Array:
        """Return values, shape (n, channels), standardised to mean 0 and spread 1."""
        standard: Array = ((values - self.mean) / self.spread).astype(np.float32)
        return standard

    def divided(self, by: Array) -> "Scale":
        """Return the scale of values that were divided by `by`, shape (channels,)."""
        return Scale((self.mean / by).astype(np.float32), (self.spread / by).astype(np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class HeadWeights:
    """The weights of a trained head: a hidden layer that sums a projection of each tap, and an output layer.

    Attributes:
        taps: by tap, the kernel that projects its standardised values, shape (channels, hidden).
        bias: bias of the hidden layer, shape (hidden,).
        kernel: kernel of the output layer, shape (hidden, labels).
        answer_bias: bias of the output layer, shape (labels,).
        temperature: divisor of the logits before the softmax, which calibrates the scores.
    """

    taps: Mapping[str, Array]
    bias: Array
    kernel: Array
    answer_bias: Array
    temperature: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A trained network.

    Attributes:
        convolutions: convolutions of the backbone, in the order of its plan.
        people: ids of the closed set, in the order of `means`.
        means: mean embedding of each of them, shape (people, n), unit length.
        scales: scales of the taps.
        groups: the trained heads by name.
    """

    convolutions: tuple[Convolution, ...]
    people: tuple[str, ...]
    means: Array
    scales: Mapping[str, Scale]
    groups: Mapping[str, HeadWeights]


def checkpoint_path(name: str, folder: Path = FOLDER, *, tuned: bool = False) -> Path:
    """Return the path of a recipe's checkpoint, or of that of the same network fine-tuned to 8 bits."""
    return folder / "checkpoints" / f"{name}{'.int8' if tuned else ''}.npz"


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint.

    Raises:
        TrainingError: the file cannot be written.
    """
    arrays: dict[str, npt.NDArray[Any]] = {"people": np.array(checkpoint.people), "means": checkpoint.means}
    for number, convolution in enumerate(checkpoint.convolutions):
        arrays |= {f"backbone/{number:03d}/{part}": value for part, value in _parts(convolution).items()}
    for tap, scale in checkpoint.scales.items():
        arrays |= {f"{tap}/mean": scale.mean, f"{tap}/spread": scale.spread}
    for name, group in checkpoint.groups.items():
        arrays |= {f"{name}/taps/{tap}": kernel for tap, kernel in group.taps.items()}
        arrays |= {
            f"{name}/bias": group.bias,
            f"{name}/kernel": group.kernel,
            f"{name}/answer_bias": group.answer_bias,
            f"{name}/temperature": np.array(group.temperature),
        }
    partial = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            np.savez(stream, **arrays)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise TrainingError(
            f"{path}: {error.strerror or error}: the disk must be writable and have room; an older checkpoint is intact"
        ) from error


def load_checkpoint(path: Path, heads: tuple[str, ...]) -> Checkpoint:
    """Read a checkpoint with the heads of these names.

    Raises:
        TrainingError: it is missing or damaged, or lacks a head.
    """
    try:
        with path.open("rb") as stream, np.load(stream) as content:
            arrays = dict(content)
        taps = [key.removesuffix("/mean") for key in arrays if key.endswith("/mean")]
        groups = {
            name: HeadWeights(
                {tap: arrays[f"{name}/taps/{tap}"] for tap in taps},
                arrays[f"{name}/bias"],
                arrays[f"{name}/kernel"],
                arrays[f"{name}/answer_bias"],
                float(arrays[f"{name}/temperature"]),
            )
            for name in heads
        }
        scales = {tap: Scale(arrays[f"{tap}/mean"], arrays[f"{tap}/spread"]) for tap in taps}
        return Checkpoint(
            _backbone(arrays), tuple(str(person) for person in arrays["people"]), arrays["means"], scales, groups
        )
    except FileNotFoundError as error:
        raise TrainingError(f"{path}: no checkpoint: run python -m models.train with the same recipe first") from error
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise TrainingError(f"{path}: the checkpoint is damaged or outdated ({error}): train again") from error


def _parts(convolution: Convolution) -> dict[str, npt.NDArray[Any]]:
    parts = {
        "depthwise": np.array(convolution.depthwise),
        "kernel": convolution.kernel,
        "bias": convolution.bias,
    }
    return parts if convolution.slope is None else parts | {"slope": convolution.slope}


def _backbone(arrays: Mapping[str, npt.NDArray[Any]]) -> tuple[Convolution, ...]:
    places = sorted({key.rpartition("/")[0] for key in arrays if key.startswith("backbone/")})
    return tuple(
        Convolution(
            bool(arrays[f"{checkpoint_path}/depthwise"]),
            arrays[f"{checkpoint_path}/kernel"],
            arrays[f"{checkpoint_path}/bias"],
            arrays.get(f"{checkpoint_path}/slope"),
        )
        for checkpoint_path in places
    )
