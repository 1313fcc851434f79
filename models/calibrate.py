"""Embeddings of people and of strangers -> the table of thresholds: least cosine by gallery size and by FPIR.

A stranger is called by a name where the cosine of their look, or of the mean of a few looks, to the nearest anchor of
anybody in the gallery reaches the threshold: the node's own rule. The share of strangers for whom this happens is the
false-positive identification rate (FPIR, ISO/IEC 19795-1) of that gallery. It grows with the gallery, so there is a
row for each size; galleries of a size are drawn at random many times.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.errors import TrainingError
from models.manifests import Sample
from models.vectors import Array, unit_rows

FPIRS = (0.01, 0.003, 0.001)
GALLERIES = (1, 10, 50, 200)
ANCHORS = 5
REJECT_FPIR = 0.01
_DRAWS = 400
_LOOKS = (1, 5)
"""Means over so many looks are tried, and the strictest threshold is taken: a mean is nearer to anything."""


@dataclass(frozen=True, slots=True)
class Row:
    """One threshold.

    Attributes:
        fpir: the share of strangers called by a name.
        gallery: people enrolled.
        cosine: the least cosine that names somebody.
        strangers: other people that it was measured with.
    """

    fpir: float
    gallery: int
    cosine: float
    strangers: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """What decides who is a stranger: the table of thresholds, and the score below which the closed set rejects."""

    rows: tuple[Row, ...]
    reject: float


def by_person(samples: Sequence[Sample], embeddings: Array) -> dict[str, Array]:
    """Return each person's embeddings, shape (pictures, n), by id in the order of the ids."""
    people = np.array([sample.person for sample in samples])
    return {str(person): embeddings[people == person] for person in np.unique(people)}


def threshold_table(
    enrolled: Mapping[str, Array], strangers: Mapping[str, Array], seed: int, draws: int = _DRAWS
) -> tuple[Row, ...]:
    """Return a row for each rate and size; thresholds never fall as the gallery grows or the rate falls.

    Args:
        enrolled: by person, unit embeddings of shape (pictures, n); those with five pictures or more make galleries.
        strangers: other people, likewise.
        seed: of the choice of anchors and the draws of galleries.
        draws: galleries of each size.

    Raises:
        TrainingError: there are too few people for the largest gallery.
    """
    chance = np.random.default_rng(seed)
    anchors = [
        looks[chance.choice(len(looks), ANCHORS, replace=False)] for looks in enrolled.values() if len(looks) >= ANCHORS
    ]
    if len(anchors) < max(GALLERIES):
        raise TrainingError(
            f"{len(anchors)} people with {ANCHORS} pictures: a gallery of {max(GALLERIES)} needs more people"
        )
    levels: dict[tuple[float, int], float] = {}
    for looks in _LOOKS:
        probes = np.stack([_mean_look(found, looks, chance) for found in strangers.values()])
        nearest = np.stack([np.max(probes @ person.T, axis=1) for person in anchors], axis=1)
        for size in GALLERIES:
            scores = np.stack([_best(nearest, size, chance) for _ in range(draws)])
            for fpir in FPIRS:
                cosine = threshold(scores.reshape(-1), fpir)
                levels[fpir, size] = max(cosine, levels.get((fpir, size), -1.0))
    return tuple(Row(fpir, size, _rising(levels, fpir, size), len(strangers)) for fpir in FPIRS for size in GALLERIES)


def threshold(scores: Array, fpir: float, decimals: int = 3) -> float:
    """Return the least score, rounded up to some decimals, that at most a share `fpir` of the scores reaches."""
    ordered = np.sort(scores)[::-1]
    allowed = int(fpir * len(ordered))
    least_refused = float(ordered[min(allowed, len(ordered) - 1)])
    steps = 10.0**decimals
    return min(1.0, (math.floor(least_refused * steps) + 1) / steps)


def reject_score(strangers: Mapping[str, Array], fpir: float = REJECT_FPIR) -> float:
    """Return the softmax score below which the closed set answers unknown, from the first look at each stranger.

    Args:
        strangers: by person, scores of the identity head, shape (pictures, people).
        fpir: the share of strangers that may be called by a name.
    """
    best = np.array([scores[0].max() for scores in strangers.values()], dtype=np.float32)
    return threshold(best, fpir, decimals=4)


def _mean_look(looks: Array, count: int, chance: np.random.Generator) -> Array:
    chosen = chance.choice(len(looks), min(count, len(looks)), replace=False)
    mean: Array = unit_rows(looks[chosen].mean(axis=0, keepdims=True))[0]
    return mean


def _best(nearest: Array, size: int, chance: np.random.Generator) -> Array:
    people = chance.choice(nearest.shape[1], size, replace=False)
    best: Array = nearest[:, people].max(axis=1)
    return best


def _rising(levels: Mapping[tuple[float, int], float], fpir: float, size: int) -> float:
    """Return the greatest threshold of the rows that promise no more: larger rates and smaller galleries."""
    return max(cosine for (rate, people), cosine in levels.items() if rate >= fpir and people <= size)
