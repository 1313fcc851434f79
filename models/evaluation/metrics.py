"""Scores and true labels -> the metrics of an evaluation; pure."""

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
    """Return a share with its Wilson (1927) score interval, which is valid at 0 and 1 too."""
    if n <= 0:
        raise ValueError("a share needs at least one case")
    value, z2 = hits / n, _Z95**2
    middle = (value + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z95 * math.sqrt(value * (1 - value) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    # At the ends the formula gives exactly 0 and 1, except for rounding errors.
    return Share(value, n, middle - half if hits else 0.0, middle + half if hits < n else 1.0)


def verification(scores: Scores, same: npt.NDArray[np.bool_], folds: int = _FOLDS) -> float:
    """Return the balanced accuracy of telling pairs of one person from pairs of two people.

    As in LFW's protocol, the threshold of each fold is the best one on the other folds. The accuracy is balanced, since
    the two kinds of pairs are not equally many. Pairs of each kind go to the folds in turn.

    Args:
        scores: similarity of each pair, shape (n,).
        same: whether both pictures show one person, shape (n,).
        folds: number of folds.
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
    """Return the least threshold that at most a share `rate` of the impostor scores reaches."""
    ordered = np.sort(impostors)[::-1]
    allowed = min(int(rate * len(ordered) + 1e-9), len(ordered) - 1)
    return float(np.nextafter(ordered[allowed], np.inf))


def tar_at_far(genuine: Scores, impostors: Scores, rate: float) -> float:
    """Return the true accept rate at a false accept rate (TAR at FAR)."""
    return float(np.mean(genuine >= threshold_at(impostors, rate)))


def tpir_at_fpir(
    nearest: npt.NDArray[np.int64], scores: Scores, right: npt.NDArray[np.int64], strangers: Scores, rate: float
) -> float:
    """Return the true-positive identification rate at a false-positive identification rate (TPIR at FPIR).

    Args:
        nearest: for probes of enrolled people, the index of the nearest person, shape (n,).
        scores: cosine to that person, shape (n,).
        right: index of the true person, shape (n,).
        strangers: for probes of strangers, the cosine to the nearest person, shape (m,).
        rate: the FPIR.
    """
    return float(np.mean((nearest == right) & (scores >= threshold_at(strangers, rate))))


def recalls(given: Sequence[str], right: Sequence[str], labels: Sequence[str]) -> dict[str, Share]:
    """Return the recall of each label; labels without a case are left out."""
    pairs = list(zip(given, right, strict=True))
    found = {}
    for label in labels:
        cases = [answer == label for answer, truth in pairs if truth == label]
        if cases:
            found[label] = wilson(sum(cases), len(cases))
    return found


def _best_threshold(scores: Scores, same: npt.NDArray[np.bool_]) -> float:
    """Return the threshold, midway between two neighbouring scores, with the best balanced accuracy."""
    order = np.argsort(scores)
    kinds, ordered = same[order], scores[order]
    # A threshold before pair i rejects the pairs 0 to i - 1.
    refused_same = np.concatenate([[0], np.cumsum(kinds)])
    refused_other = np.concatenate([[0], np.cumsum(~kinds)])
    balanced = (1 - refused_same / max(1, kinds.sum())) + refused_other / max(1, (~kinds).sum())
    best = int(np.argmax(balanced))
    edges = np.concatenate([[ordered[0] - 1.0], ordered, [ordered[-1] + 1.0]])
    return float(edges[best] + edges[best + 1]) / 2


def _balanced(accepted: npt.NDArray[np.bool_], same: npt.NDArray[np.bool_]) -> float:
    return float((np.mean(accepted[same]) + np.mean(~accepted[~same])) / 2)
