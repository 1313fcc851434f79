"""Faces -> how alike they are: the one place, beside the matcher, that decides about the score of two faces."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from node.domain import Vector
from node.people.matcher import GalleryMatcher

UNCERTAIN = 0.1
"""Distance of a score from the least one that names somebody, within which a name, or none, is a close call."""

Rows = npt.NDArray[np.float32]
"""Embeddings of one space, shape (faces, n), float32, each of unit length."""


def scores(rows: Rows, others: Rows) -> npt.NDArray[np.float32]:
    """Return the score of each face with each other face, shape (faces, others), float32: their cosine."""
    return np.clip(rows @ others.T, -1, 1)


@dataclass(frozen=True, slots=True)
class Nearest:
    """The person whose faces are most like one.

    Attributes:
        person: the id.
        score: of the nearest face of that person.
        margin: the score minus the least one that names somebody; negative for a stranger.
    """

    person: str
    score: float
    margin: float


def nearest(matcher: GalleryMatcher, embedding: Vector) -> Nearest | None:
    """Return the person who is nearest to a face, shape (n,), float32, unit length; None without candidates."""
    found = matcher.scores(embedding)
    if not found:
        return None
    person = max(found, key=found.__getitem__)
    return Nearest(person, found[person], found[person] - matcher.threshold)
