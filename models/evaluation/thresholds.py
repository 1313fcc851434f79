"""Embeddings of people and of strangers -> the table of thresholds: least score by gallery size and by FPIR.

By the node's rule, a stranger is named when the score of a look, or of the mean of a few looks, with the nearest anchor
in the gallery reaches the threshold. The share of strangers that are named is the false-positive identification rate
(FPIR, ISO/IEC 19795-1) of that gallery. It grows with the gallery, so there is a row for each size, over all galleries
of that size.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from models.arrays import Array, unit_rows
from models.data.samples import Sample
from models.errors import TrainingError
from models.evaluation.scoring import COSINE, Scoring
from node.domain import counted

FPIRS = (0.01, 0.003, 0.001)
GALLERIES = (1, 10, 50, 200)
ANCHORS = 5
REJECT_FPIR = 0.01
REPLICATES = 200
_ROUNDING = 1e-9
_ENDS = (0.025, 0.975)
_TAIL = 2 * max(FPIRS)
"""The share of the highest scores that is searched. For a gallery of one, the FPIR is the share of scores above the
threshold, and for a larger gallery it is greater, so no threshold lies below this tail."""
_LOOKS = (1, 5)
"""Numbers of looks per probe; the strictest threshold is taken, since a mean of looks is nearer to everyone."""


@dataclass(frozen=True, slots=True)
class ThresholdRow:
    """One threshold.

    Attributes:
        fpir: the share of strangers that are named.
        gallery: number of enrolled people.
        cosine: the least score of a match: the cosine, or the normalized score.
        strangers: number of strangers that it was measured with.
        low: lower end of the 95 % interval of `cosine`.
        high: upper end.
    """

    fpir: float
    gallery: int
    cosine: float
    strangers: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The table of thresholds, and the score below which the closed set answers unknown."""

    rows: tuple[ThresholdRow, ...]
    reject: float


def by_person(samples: Sequence[Sample], embeddings: Array) -> dict[str, Array]:
    """Return each person's embeddings, shape (pictures, n), by id in the order of the ids."""
    people = np.array([sample.person for sample in samples])
    return {str(person): embeddings[people == person] for person in np.unique(people)}


def threshold_table(
    enrolled: Mapping[str, Array],
    strangers: Mapping[str, Array],
    seed: int,
    anchors: int = ANCHORS,
    replicates: int = REPLICATES,
    *,
    scoring: Scoring = COSINE,
    sizes: Sequence[int] = GALLERIES,
) -> tuple[ThresholdRow, ...]:
    """Return a row for each rate and size; thresholds never fall as the gallery grows or the rate falls.

    The interval is a bootstrap: strangers and the people of the galleries are resampled with replacement. A person
    drawn twice does not enlarge a gallery, so the replicates are slightly low: the interval takes their distances from
    their median, around the threshold.

    Args:
        enrolled: by person, unit embeddings of shape (pictures, n); people with at least five form the galleries.
        strangers: the same for other people.
        seed: seed of the choice of anchors and looks, and of the bootstrap.
        anchors: anchors per person, at most five.
        replicates: bootstrap replicates.
        scoring: how embeddings are compared.
        sizes: numbers of people enrolled, rising.

    Raises:
        TrainingError: there are too few people for the largest gallery.
    """
    rng = np.random.default_rng(seed)
    galleries = [
        looks[rng.choice(len(looks), ANCHORS, replace=False)[:anchors]]
        for looks in enrolled.values()
        if len(looks) >= ANCHORS
    ]
    if len(galleries) < max(sizes):
        raise TrainingError(
            f"{counted(len(galleries), 'person', 'people')} with {ANCHORS} pictures: a gallery of {max(sizes)} "
            "needs more people"
        )
    nearest = []
    for looks in _LOOKS:
        probes = np.stack([_mean_look(found, looks, rng) for found in strangers.values()])
        scores = scoring.scores(probes, np.concatenate(galleries)).reshape(len(probes), len(galleries), anchors)
        nearest.append(scores.max(axis=2))
    levels = _levels(nearest, sizes)
    drawn = np.array([list(_levels(_resampled(nearest, rng), sizes).values()) for _ in range(replicates)])
    ends = np.quantile(drawn, _ENDS, axis=0) - np.median(drawn, axis=0)
    return tuple(
        ThresholdRow(
            fpir, size, cosine, len(strangers), round(max(-1.0, cosine + low), 3), round(min(1.0, cosine + high), 3)
        )
        for ((fpir, size), cosine), low, high in zip(levels.items(), *ends, strict=True)
    )


def threshold(scores: Array, fpir: float, decimals: int = 3) -> float:
    """Return the least score, rounded up, that at most a share `fpir` of the scores reaches."""
    ordered = np.sort(scores)[::-1]
    allowed = int(fpir * len(ordered))
    return _just_above(float(ordered[min(allowed, len(ordered) - 1)]), decimals)


def reject_score(strangers: Mapping[str, Array], fpir: float = REJECT_FPIR) -> float:
    """Return the softmax score below which the closed set answers unknown, from the first look at each stranger.

    Args:
        strangers: by person, scores of the identity head, shape (pictures, people).
        fpir: the share of strangers that may be named.
    """
    best = np.array([scores[0].max() for scores in strangers.values()], dtype=np.float32)
    return threshold(best, fpir, decimals=4)


def _mean_look(looks: Array, count: int, rng: np.random.Generator) -> Array:
    chosen = rng.choice(len(looks), min(count, len(looks)), replace=False)
    mean: Array = unit_rows(looks[chosen].mean(axis=0, keepdims=True))[0]
    return mean


def _resampled(nearest: Sequence[Array], rng: np.random.Generator) -> list[Array]:
    strangers, people = nearest[0].shape
    rows, columns = rng.integers(0, strangers, strangers), rng.integers(0, people, people)
    return [scores[rows][:, columns] for scores in nearest]


def _levels(nearest: Sequence[Array], sizes: Sequence[int]) -> dict[tuple[float, int], float]:
    """Return the threshold by rate and size, the strictest over the numbers of looks.

    Args:
        nearest: by number of looks, the score of each stranger with each person, shape (strangers, people).
        sizes: numbers of people enrolled.
    """
    kinds = [_tail_levels(scores, sizes) for scores in nearest]
    levels = {key: max(kind[key] for kind in kinds) for key in kinds[0]}
    return {(fpir, size): _monotone(levels, fpir, size) for fpir in FPIRS for size in sizes}


def _tail_levels(scores: Array, sizes: Sequence[int]) -> dict[tuple[float, int], float]:
    """Return the threshold by rate and size, over all possible galleries of these people.

    Of all galleries of s out of p people, the share comb(p - k - 1, s - 1) / comb(p, s) has the person with
    rank k (from 0) as the nearest to a stranger. So the scores in falling order, each with that weight, sum to the
    FPIR.
    """
    strangers, people = scores.shape
    count = int(_TAIL * scores.size) + 2
    places = np.argpartition(scores, -count, axis=None)[-count:]
    places = places[np.argsort(-scores.ravel()[places], kind="stable")]
    falling, seen = scores.ravel()[places], np.zeros(strangers, dtype=np.int64)
    ranks = np.empty(count, dtype=np.int64)
    for number, row in enumerate(places // people):
        ranks[number] = seen[row]
        seen[row] += 1
    levels = {}
    for size in sizes:
        reached = np.cumsum(_rank_weights(people, size)[ranks]) / strangers
        for fpir in FPIRS:
            refused = int(np.searchsorted(reached, fpir * (1 + _ROUNDING), side="right"))
            levels[fpir, size] = _just_above(float(falling[min(refused, count - 1)]), 3)
    return levels


@cache
def _rank_weights(people: int, size: int) -> npt.NDArray[np.float64]:
    """Return the share of galleries in which the person of each rank is the nearest to a stranger, shape (people,)."""
    galleries = math.comb(people, size)
    return np.array([math.comb(people - rank - 1, size - 1) / galleries for rank in range(people)])


def _just_above(score: float, decimals: int) -> float:
    """Return the least number with these decimals above a score, at most 1."""
    steps = 10.0**decimals
    return min(1.0, (math.floor(score * steps) + 1) / steps)


def _monotone(levels: Mapping[tuple[float, int], float], fpir: float, size: int) -> float:
    """Return the greatest threshold over the rows with a larger or equal rate and a smaller or equal gallery."""
    return max(cosine for (rate, people), cosine in levels.items() if rate >= fpir and people <= size)
