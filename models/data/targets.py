"""Samples and a head -> the targets of training and the weight of each example."""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from models.arrays import Array
from models.data.samples import Sample
from models.recipe.sections import GroupHead


def labels_of(samples: Sequence[Sample], name: str, labels: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return the index of each sample's label, shape (n,)."""
    return np.array([labels.index(sample.label(name)) for sample in samples], dtype=np.int64)


def targets_of(samples: Sequence[Sample], name: str, head: GroupHead) -> Array:
    """Return the target share of each label, shape (n, labels); each row sums to one.

    Age groups end at `head.borders`. A person of 34 looks like one of 36, so a known age in years is spread over the
    groups: the share of a group is the probability that a normal distribution around the age, with standard deviation
    `head.spread_years`, gives to it. Without an age in years, the label has the whole share.
    """
    hard = np.eye(len(head.labels), dtype=np.float32)[labels_of(samples, name, head.labels)]
    if not head.borders:
        return hard
    rows = [
        row if sample.years is None else _shares(sample.years, head.borders, head.spread_years)
        for row, sample in zip(hard, samples, strict=True)
    ]
    return np.array(rows, dtype=np.float32)


def class_weights(labels: npt.NDArray[np.int64], classes: int, balance: float) -> Array:
    """Return the weight of each example, shape (n,): n^-balance of its class, mean 1; 0 where the label is -1."""
    numbers = np.bincount(labels[labels >= 0], minlength=classes)
    weights = np.where(labels >= 0, np.maximum(numbers, 1.0)[labels] ** -balance, 0.0)
    even: Array = (weights / weights[labels >= 0].mean()).astype(np.float32)
    return even


def cell_weights(samples: Sequence[Sample], balance: float) -> Array:
    """Return the weight of each sample, shape (n,): n^-balance for n of its ethnicity, gender and age group; mean 1.

    A class can have many pictures and still few of some of its people, such as the old.
    """
    cells = Counter((sample.ethnicity, sample.gender, sample.age) for sample in samples)
    weights = np.array([cells[sample.ethnicity, sample.gender, sample.age] ** -balance for sample in samples])
    even: Array = (weights / weights.mean()).astype(np.float32)
    return even


def _shares(years: float, borders: Sequence[float], spread_years: float) -> list[float]:
    """Return the share of each group, taking an age in whole years at the middle of the year."""
    below = [0.0, *(_normal((border - years - 0.5) / spread_years) for border in borders), 1.0]
    return [above - under for under, above in pairwise(below)]


def _normal(z: float) -> float:
    return (1 + math.erf(z / math.sqrt(2))) / 2
