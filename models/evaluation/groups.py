"""Pictures of people of known ethnicity, gender and age -> groups, and the scores of all pairs within each group.

The pictures have no names: each counts as another person. A few pairs do show one person twice, and their high scores
count as mistakes, so every rate of strangers is an upper bound.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from models.arrays import Array
from models.data.samples import Sample
from models.evaluation.metrics import Share, wilson
from models.evaluation.scoring import Scoring

LEAST_PAIRS = 2000
"""Pairs from which on a group counts: with fewer, a rate of 0.3 % is a handful of pairs."""
TEENAGERS, CHILDREN = "12 to 17 years", "children under 12"

_CHILD_YEARS, _ADULT_YEARS = 12, 18
_REPLICATES = 200
_SEED = 20261129
_ENDS = (0.025, 0.975)
_MILLE = 1000
_OLDEST = 200

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """A group of people.

    Attributes:
        name: such as `asian, female` for adults, or `children under 12`.
        cells: the places of its pictures among the samples, apart by ethnicity and gender: strangers are compared with
            people of their own cell, who are most alike.
    """

    name: str
    cells: tuple[Indices, ...]

    @property
    def places(self) -> Indices:
        """The places of all its pictures."""
        return np.concatenate(self.cells)

    @property
    def pairs(self) -> int:
        """Number of pairs of its pictures."""
        return sum(len(cell) * (len(cell) - 1) // 2 for cell in self.cells)


def groups_of(samples: Sequence[Sample]) -> tuple[Group, ...]:
    """Return the groups with enough pairs: adults by ethnicity and gender, then teenagers, then children."""
    names = np.array([f"{sample.ethnicity}, {sample.gender}" for sample in samples])
    years = np.array([-1 if sample.years is None else sample.years for sample in samples])

    def cells(low: int, high: int) -> dict[str, Indices]:
        chosen = (years >= low) & (years < high)
        found = {str(name): np.flatnonzero((names == name) & chosen) for name in np.unique(names)}
        return {name: places for name, places in found.items() if len(places) > 1}

    groups = [Group(name, (places,)) for name, places in cells(_ADULT_YEARS, _OLDEST).items()]
    groups += [
        Group(name, tuple(cells(low, high).values()))
        for name, low, high in ((TEENAGERS, _CHILD_YEARS, _ADULT_YEARS), (CHILDREN, 0, _CHILD_YEARS))
    ]
    return tuple(group for group in groups if group.pairs >= LEAST_PAIRS)


class GroupScores:
    """The scores of the pairs within a group, and how many of them reach a threshold.

    Intervals resample people, not pairs: a face that looks like many others is in many pairs.

    Args:
        matrices: for each cell, the scores of its probes with its anchors, shape (n, n); the diagonal does not count.
    """

    def __init__(self, matrices: Sequence[Array]) -> None:
        self._matrices = list(matrices)
        for matrix in self._matrices:
            np.fill_diagonal(matrix, -np.inf)
        self.pairs = sum(len(matrix) * (len(matrix) - 1) for matrix in self._matrices) // 2

    @classmethod
    def of(cls, group: Group, probes: Array, anchors: Array, scoring: Scoring) -> "GroupScores":
        """Return the scores of a group.

        Args:
            group: the group.
            probes: the embeddings of all samples, shape (n, length), unit length.
            anchors: the same, or those of other pictures of the same samples.
            scoring: how they are compared.
        """
        return cls([scoring.scores(probes[cell], anchors[cell]) for cell in group.cells])

    def share(self, threshold: float) -> Share:
        """Return the share of pairs that reach a threshold, and its 95 % interval."""
        return _with_interval(self._point(threshold), self.pairs, self._replicates(threshold))

    def named(self, threshold: float, gallery: int) -> Share | None:
        """Return the share of strangers that are named in a gallery of people of their cell, one photo each.

        It is exact over all galleries: of n others, k look like the stranger, and the share comb(n - k, g) / comb(n, g)
        of the galleries of g has none of these. n of the result is the number of people; None if no cell is larger than
        the gallery.
        """
        cells = [matrix >= threshold for matrix in self._matrices if len(matrix) > gallery]
        if not cells:
            return None
        people = sum(len(over) for over in cells)
        named, drawn = 0.0, np.zeros(_REPLICATES)
        for over, weights in zip(cells, _draws([len(over) for over in cells]), strict=True):
            named += float(_in_gallery(over.sum(axis=1), len(over) - 1, gallery).sum())
            drawn += np.sum(weights * _in_gallery(over @ weights, len(over) - weights, gallery), axis=0)
        return _with_interval(named / people, people, drawn / people)

    def least(self, rate: float, *, surely: bool) -> float:
        """Return the least threshold, in thousandths, that at most a share `rate` of the pairs reaches.

        Args:
            rate: the share.
            surely: whether the upper end of the share's interval must be at most twice the rate, too.
        """

        def holds(step: int) -> bool:
            threshold = step / _MILLE
            return self._point(threshold) <= rate and (not surely or self.share(threshold).high <= 2 * rate)

        return _first(holds) / _MILLE

    def _point(self, threshold: float) -> float:
        return self._over(threshold) / (2 * self.pairs)

    def _over(self, threshold: float) -> int:
        return sum(int(np.count_nonzero(matrix >= threshold)) for matrix in self._matrices)

    def _replicates(self, threshold: float) -> npt.NDArray[np.float64]:
        over, all_pairs = np.zeros(_REPLICATES), np.zeros(_REPLICATES)
        for matrix, weights in zip(self._matrices, self._weights, strict=True):
            rows, columns = np.nonzero(matrix >= threshold)
            over += np.sum(weights[rows] * weights[columns], axis=0)
            all_pairs += weights.sum(axis=0) ** 2 - np.sum(weights**2, axis=0)
        return over / all_pairs

    @cached_property
    def _weights(self) -> list[npt.NDArray[np.float64]]:
        return _draws([len(matrix) for matrix in self._matrices])


def _draws(people: Sequence[int]) -> list[npt.NDArray[np.float64]]:
    """Return for each cell how often each person is drawn in each replicate, shape (people, replicates)."""
    rng = np.random.default_rng(_SEED)
    return [rng.multinomial(count, np.full(count, 1 / count), _REPLICATES).T.astype(np.float64) for count in people]


def _with_interval(value: float, n: int, replicates: npt.NDArray[np.float64]) -> Share:
    """Return a share with the interval of its replicates, never narrower than that of independent cases.

    Without a case, all replicates are zero, which says nothing about the next thousand pairs.
    """
    low, high = (float(end) for end in np.quantile(replicates, _ENDS))
    independent = wilson(round(value * n), n)
    return Share(value, n, min(low, value, independent.low), max(high, value, independent.high))


def _in_gallery(
    like: npt.NDArray[np.number[Any]], others: float | npt.NDArray[np.float64], gallery: int
) -> npt.NDArray[np.float64]:
    """Return the share of galleries drawn from the others that have somebody like a stranger, for each stranger."""
    without = np.ones(like.shape)
    for drawn in range(gallery):
        without *= np.maximum(others - like - drawn, 0) / np.maximum(others - drawn, 1)
    found: npt.NDArray[np.float64] = 1 - without
    return found


def _first(holds: Callable[[int], bool]) -> int:
    """Return the first step from -1000 to 1000 that holds, if all after it do; 1000 if none does."""
    low, high = -_MILLE, _MILLE
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
