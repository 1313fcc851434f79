"""Makers of small cohorts for tests, in memory and as files beside a sidecar."""

import hashlib
import io
from typing import Any

import numpy as np
import numpy.typing as npt

from node.domain import Vector
from node.vision.cohort import Cohort


def cohort(*vectors: Vector, nearest: int = 1, weight: float = 1.0, sha256: str = "c" * 64) -> Cohort:
    """Return a cohort of these embeddings."""
    return Cohort(np.stack(vectors), nearest, weight, sha256)


def random_units(rows: int, length: int, seed: int = 0) -> npt.NDArray[np.float32]:
    """Return embeddings, shape (rows, length), float32, unit length."""
    numbers = np.random.default_rng(seed).standard_normal((rows, length))
    units: npt.NDArray[np.float32] = (numbers / np.linalg.norm(numbers, axis=1, keepdims=True)).astype(np.float32)
    return units


def array_file(array: npt.NDArray[Any]) -> bytes:
    """Return the bytes of an array in NumPy's format."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def description(content: bytes, name: str, **changes: object) -> dict[str, Any]:
    """Return the section of a sidecar about a cohort in a file with this content, without thresholds."""
    return {
        "file": name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "form": "mean",
        "weight": 1.0,
        "nearest": 2,
        "origin": "o",
        "terms": "t",
        "command": "c",
        "unmet": [],
    } | changes
