"""Embeddings -> the scores that decide, as a node computes them: the cosine, or the cosine less what is usual."""

from dataclasses import dataclass

import numpy as np

from models.arrays import Array
from node.settings import PeopleSettings
from node.vision.cohort import Cohort
from node.vision.sidecar import Sidecar, Thresholds

SHIPPED_FPIR = float(PeopleSettings().max_fpir)
"""The default of `people.max_fpir`."""


@dataclass(frozen=True, slots=True, eq=False)
class Scoring:
    """How embeddings are compared.

    Attributes:
        cohort: what the scores are normalized with (`node.vision.cohort`); None if the cosine alone decides.
    """

    cohort: Cohort | None = None

    def scores(self, probes: Array, anchors: Array) -> Array:
        """Return the score of each probe with each anchor, shape (probes, anchors).

        Args:
            probes: shape (n, length), unit length.
            anchors: shape (m, length), unit length.
        """
        scores: Array = probes @ anchors.T - self._offsets(probes)[:, np.newaxis] - self._offsets(anchors)
        return scores

    def paired(self, left: Array, right: Array) -> Array:
        """Return the score of each row with the row beside it, shape (n,)."""
        scores: Array = np.sum(left * right, axis=1) - self._offsets(left) - self._offsets(right)
        return scores

    def _offsets(self, embeddings: Array) -> Array:
        if self.cohort is None:
            return np.zeros(len(embeddings), dtype=np.float32)
        offsets: Array = np.float32(self.cohort.weight / 2) * self.cohort.usual(embeddings)
        return offsets


COSINE = Scoring()
"""The cosine alone, as networks without a cohort are compared."""


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """How a network's embeddings are compared, and from which score on two show one person.

    Attributes:
        sidecar: of the network.
        cohort: its cohort; None if the cosine alone decides.
    """

    sidecar: Sidecar
    cohort: Cohort | None = None

    @property
    def scoring(self) -> Scoring:
        """How embeddings are compared."""
        return Scoring(self.cohort)

    @property
    def thresholds(self) -> Thresholds:
        """The table of thresholds of that score."""
        if self.cohort is None or self.sidecar.cohort is None:
            return self.sidecar.thresholds
        return self.sidecar.cohort.thresholds

    def least(self, people: int) -> float:
        """Return the shipped threshold for a gallery of so many people."""
        return self.thresholds.cosine(SHIPPED_FPIR, people)
