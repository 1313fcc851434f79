"""A network and pictures -> its predictions, made with the code of a node and cached on disk."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from models.arrays import Array
from models.data.cache import Arrays, compute_cached, digest
from models.data.crops import DETECTOR, Cut, load_crops
from models.data.degraded import Kind, degraded
from models.data.manifests import read
from models.data.samples import Sample
from models.names import EMBEDDING
from node.domain import Image, Vector
from node.vision.sidecar import Sidecar

_VERSION = 1
"""Raise it when the node prepares crops for a network otherwise: all predictions are then made anew."""


_VIEWS_VERSION = 1
"""Raise it when `models.data.degraded` degrades otherwise."""


class InferenceNetwork(Protocol):
    """A network as a node runs it."""

    @property
    def sidecar(self) -> Sidecar:
        """Its sidecar."""

    @property
    def runtime(self) -> str:
        """Name of the TFLite runtime."""

    def infer(self, crop: Image) -> Mapping[str, Vector]:
        """Return the output of each head for one aligned face."""


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Outputs of a network for some samples, by head of shape (n, length); `missed` counts pictures without a face."""

    samples: tuple[Sample, ...]
    heads: Mapping[str, Array]
    missed: int

    @property
    def embeddings(self) -> Array:
        """The embeddings, shape (n, length), unit length."""
        return self.heads[EMBEDDING]

    @property
    def persons(self) -> npt.NDArray[np.str_]:
        """The id of the person in each sample, shape (n,)."""
        return np.array([sample.person for sample in self.samples])


@dataclass(frozen=True, slots=True)
class Degraded:
    """A degraded view of each picture instead of the picture: how, and which of several views."""

    kind: Kind
    number: int


def predict(
    network: InferenceNetwork,
    data: Path,
    name: str,
    split: str,
    cache: Path,
    *,
    detector: Path = DETECTOR,
    view: Degraded | None = None,
) -> Predictions:
    """Return the predictions of a network for a split of a data set, from the cache where they are there.

    Args:
        network: the network.
        data: the folder of face data.
        name: name of the data set.
        split: the split.
        cache: the folder of the cache, for aligned crops and predictions.
        detector: the detector's file.
        view: a degraded view of each aligned face; None for the face itself.
    """
    sidecar, what = network.sidecar, f"{name} {split}"
    wanted = sidecar.input
    crops = load_crops(
        what, read(data, name, (split,)), Cut(wanted.alignment.points, wanted.size), cache, detector=detector
    )

    def make(part: Sequence[int]) -> Arrays:
        rows = [network.infer(_seen(crops.images[number], view, number)) for number in part]
        return {head: np.stack([row[head] for row in rows]) for head in rows[0]}

    key = digest(
        sidecar.sha256,
        network.runtime,
        _VERSION,
        hashlib.sha256(crops.images.tobytes()).hexdigest(),
        *(() if view is None else (_VIEWS_VERSION, view)),
    )
    if view is not None:
        what += f", {view.kind} {view.number + 1}"
    heads = compute_cached(
        f"{sidecar.name} on {what}", range(len(crops.images)), make, cache / "answers", key, part=128, workers=1
    )
    return Predictions(crops.samples, heads, len(crops.missed))


def concatenate(parts: Sequence[Predictions]) -> Predictions:
    """Return the predictions for several splits as one."""
    heads = {head: np.concatenate([part.heads[head] for part in parts]) for head in parts[0].heads}
    return Predictions(
        tuple(sample for part in parts for sample in part.samples), heads, sum(part.missed for part in parts)
    )


def _seen(crop: Image, view: Degraded | None, place: int) -> Image:
    return crop if view is None else degraded(crop, view.kind, place, view.number)
