"""Scores and right answers -> the figures of an evaluation; pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float32] | npt.NDArray[np.float64]
_FOLDS = 10
_Z95 = 1.959963984540054  # the normal quantile of .975


@dataclass(frozen=True, slots=True)
class Share:
    """A share of `n` cases, and its 95 % interval."""

    value: float
    n: int
    low: float
    high: float


def wilson(hits: int, n: int) -> Share:
    """Return a share with its Wilson (1927) score interval, which stays sensible at 0 and at 1."""
    if n <= 0:
        raise ValueError("a share needs at least one case")
    value, z2 = hits / n, _Z95**2
    middle = (value + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z95 * math.sqrt(value * (1 - value) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    # At the ends the formula is exactly 0 and 1, but for the rounding.
    return Share(value, n, middle - half if hits else 0.0, middle + half if hits < n else 1.0)


def verification(scores: Scores, same: npt.NDArray[np.bool_], folds: int = _FOLDS) -> float:
    """Return the balanced accuracy of telling pairs of one person from pairs of two.

    The threshold of each fold is the one that is best on the others, as LFW's protocol has it; balanced, since there
    are not as many pairs of one kind as of the other. Pairs go to the folds in turn, each kind for itself.

    Args:
        scores: similarity of each pair, shape (n,).
        same: whether it is one person, shape (n,).
        folds: parts.
    """
    fold = np.zeros(len(scores), dtype=np.int64)
    for kind in (same, ~same):
        fold[kind] = np.arange(int(kind.sum())) % folds
    shares = []
    for number in range(folds):
        held = fold == number
        threshold = _best_threshold(scores[~held], same[~held])
        shares.append(_balanced(scores[held] >= threshold, same[held]))
    return float(np.mean(shares))


def threshold_at(impostors: Scores, rate: float) -> float:
    """Return the least threshold that at most a share `rate` of the impostors' scores reaches."""
    ordered = np.sort(impostors)[::-1]
    allowed = min(int(rate * len(ordered) + 1e-9), len(ordered) - 1)
    return float(np.nextafter(ordered[allowed], np.inf))


def tar_at_far(genuine: Scores, impostors: Scores, rate: float) -> float:
    """Return the share of genuine scores above the threshold that `rate` of the impostors' reaches (TAR at FAR)."""
    return float(np.mean(genuine >= threshold_at(impostors, rate)))


def tpir_at_fpir(
    nearest: npt.NDArray[np.int64], scores: Scores, right: npt.NDArray[np.int64], strangers: Scores, rate: float
) -> float:
    """Return the share of enrolled people named rightly where `rate` of the strangers are named (TPIR at FPIR).

    Args:
        nearest: number of the nearest person of each look at somebody enrolled, shape (n,).
        scores: cosine to that person, shape (n,).
        right: number of the person that it is, shape (n,).
        strangers: cosine of each look at a stranger to the nearest person, shape (m,).
        rate: the share of strangers.
    """
    return float(np.mean((nearest == right) & (scores >= threshold_at(strangers, rate))))


def recalls(given: Sequence[str], right: Sequence[str], labels: Sequence[str]) -> dict[str, Share]:
    """Return by label the share of its cases that got it; labels without a case are left out."""
    pairs = list(zip(given, right, strict=True))
    found = {}
    for label in labels:
        cases = [answer == label for answer, truth in pairs if truth == label]
        if cases:
            found[label] = wilson(sum(cases), len(cases))
    return found


def _best_threshold(scores: Scores, same: npt.NDArray[np.bool_]) -> float:
    """Return the middle between two neighbouring scores that splits the pairs best."""
    order = np.argsort(scores)
    kinds, ordered = same[order], scores[order]
    # A threshold before pair i refuses the pairs 0 to i - 1.
    refused_same = np.concatenate([[0], np.cumsum(kinds)])
    refused_other = np.concatenate([[0], np.cumsum(~kinds)])
    balanced = (1 - refused_same / max(1, kinds.sum())) + refused_other / max(1, (~kinds).sum())
    best = int(np.argmax(balanced))
    edges = np.concatenate([[ordered[0] - 1.0], ordered, [ordered[-1] + 1.0]])
    return float(edges[best] + edges[best + 1]) / 2


def _balanced(accepted: npt.NDArray[np.bool_], same: npt.NDArray[np.bool_]) -> float:
    return float((np.mean(accepted[same]) + np.mean(~accepted[~same])) / 2)
