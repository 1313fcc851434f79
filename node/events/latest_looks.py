"""The latest usable looks at one face -> what they say together. Pure."""

from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from node.domain import Look, Vector

_LEAST_WEIGHT = 1e-3
"""So that looks without any weight still have a mean."""

_SHORTEST = 1e-12
"""Least length that a mean is divided by."""


class LatestLooks:
    """The latest looks, and the weighted means of what they say.

    The rows of one matrix hold what each look says, so that the means are one product: tracks are updated in every
    frame.

    Args:
        most: looks that count; older ones drop out.
    """

    def __init__(self, most: int) -> None:
        self._looks: deque[Look] = deque(maxlen=most)
        self._weights = np.zeros(most)
        self._rows: npt.NDArray[np.float64] = np.zeros((most, 0))
        self._next = 0
        self._parts: Mapping[str, slice] = {}
        self.best: Look | None = None
        """The look with the greatest weight, the earliest of equals; None without looks."""
        self.mean: Vector | None = None
        """The weighted mean of the embeddings at unit length; None without looks."""
        self.heads: Mapping[str, Vector] = MappingProxyType({})
        """By head, the weighted mean of the scores."""

    def __len__(self) -> int:
        return len(self._looks)

    @property
    def latest(self) -> Look | None:
        """The last look; None without looks."""
        return self._looks[-1] if self._looks else None

    def add(self, look: Look, embedding: Vector) -> None:
        """Add a look with its embedding, shape (n,); every look has the same heads."""
        row: list[npt.NDArray[Any]] = [embedding, *look.heads.values()]
        if not self._looks:
            ends = np.cumsum([len(part) for part in row]).tolist()
            self._parts = dict(zip(look.heads, map(slice, ends, ends[1:]), strict=False))
            self._rows = np.zeros((len(self._weights), ends[-1]))
        self._looks.append(look)
        self._rows[self._next] = np.concatenate(row)
        self._weights[self._next] = max(look.weight, _LEAST_WEIGHT)
        self._next = (self._next + 1) % len(self._weights)
        total = self._weights @ self._rows
        mean = total[: len(embedding)]
        length = float(np.sqrt(mean @ mean))
        self.mean = (mean / max(length, _SHORTEST)).astype(np.float32)
        scores = (total / self._weights.sum()).astype(np.float32)
        self.heads = MappingProxyType({head: scores[part] for head, part in self._parts.items()})
        self.best = max(self._looks, key=lambda each: each.weight)
