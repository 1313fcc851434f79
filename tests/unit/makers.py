"""Makers of values for tests, each with defaults for what a test does not care about."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from node.domain import Box, Face, Flaw, Instant, Look, Vector

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def instant(mono_s: float, *, synced: bool = True) -> Instant:
    """Return an instant whose wall clock runs beside the monotonic clock."""
    return Instant(START + timedelta(seconds=mono_s), mono_s, synced)


def face(left: float = 0.4, top: float = 0.3, size: float = 0.2, score: float = 0.9) -> Face:
    """Return a frontal face with keypoints at the usual template's places."""
    points = ((0.34, 0.46), (0.66, 0.46), (0.5, 0.64), (0.37, 0.82), (0.63, 0.82))
    return Face(Box(left, top, size, size), tuple((left + x * size, top + y * size) for x, y in points), score)


def unit(*numbers: float) -> Vector:
    """Return a vector of unit length."""
    vector = np.array(numbers, dtype=np.float32)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def look(
    embedding: Vector | None,
    flaws: tuple[Flaw, ...] = (),
    heads: Mapping[str, Vector] | None = None,
    weight: float = 1.0,
) -> Look:
    """Return a look at a face."""
    return Look(face(), flaws, embedding, heads or {}, weight)


@dataclass(frozen=True)
class PersonStub:
    """A person of the gallery without faces."""

    id: str
    name: str = "PersonStub"
    ignored: bool = False
