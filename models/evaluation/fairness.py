"""Predictions for people of known ethnicity, gender and age -> figures for each group, and the worst groups."""

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from models.data.samples import Sample
from models.evaluation.figure import Figure, share_of
from models.evaluation.metrics import Share, wilson
from models.evaluation.predictions import Predictions

LEAST_CASES = 30
"""A smaller group is never named the worst: one picture would move it by more than three points."""
THREE_GROUPS = ("asian", "black", "white")
"""The ethnicity groups of the paper."""
WORST = "worst cell of"


def by_group(predictions: Predictions, data: str, head: str, labels: Sequence[str]) -> list[Figure]:
    """Return a head's accuracy for each ethnicity and gender and for each age group, and the worst groups.

    The worst group of ethnicity, gender and age is named too: a group of two can hide one of three.
    """
    right = _right(predictions, head, labels)
    pairs = _cells(predictions.samples, right, lambda sample: f"{sample.ethnicity}, {sample.gender}")
    ages = _cells(predictions.samples, right, lambda sample: sample.age)
    threes = _cells(predictions.samples, right, lambda sample: f"{sample.ethnicity}, {sample.gender}, {sample.age}")
    figures = [
        share_of(f"{data}, by {kind}", f"{head}: {cell}", share)
        for kind, cells in (("ethnicity and gender", pairs), ("age group", ages))
        for cell, share in sorted(cells.items())
    ]
    return figures + [
        share_of(f"{data}, {WORST} {kind}", f"{head}: {cell}", share)
        for kind, cells in (("ethnicity and gender", pairs), ("ethnicity, gender and age group", threes))
        for cell, share in _worst(cells)
    ]


def three_groups(predictions: Predictions, data: str, labels: Sequence[str]) -> Figure:
    """Return the accuracy of ethnicity among the paper's three groups.

    Only pictures of people of these three groups count, and the best of these three scores is the prediction, as if the
    head had been built for three classes.
    """
    known = np.array([sample.ethnicity in THREE_GROUPS for sample in predictions.samples])
    scores = predictions.heads["ethnicity"][known][:, [labels.index(group) for group in THREE_GROUPS]]
    given = np.array(THREE_GROUPS)[np.argmax(scores, axis=1)]
    right = np.array([sample.ethnicity for sample in predictions.samples])[known]
    return share_of(data, "ethnicity, three groups", wilson(int(np.sum(given == right)), len(right)))


def _right(predictions: Predictions, head: str, labels: Sequence[str]) -> list[bool]:
    given = np.argmax(predictions.heads[head], axis=1)
    return [labels[number] == sample.label(head) for number, sample in zip(given, predictions.samples, strict=True)]


def _cells(samples: Sequence[Sample], right: Sequence[bool], name: Callable[[Sample], str]) -> dict[str, Share]:
    found: dict[str, list[bool]] = defaultdict(list)
    for sample, is_right in zip(samples, right, strict=True):
        found[name(sample)].append(is_right)
    return {cell: wilson(sum(cases), len(cases)) for cell, cases in found.items()}


def _worst(cells: dict[str, Share]) -> list[tuple[str, Share]]:
    """Return the group with the least share among those with enough cases; nothing if no group has enough."""
    enough = [(cell, share) for cell, share in sorted(cells.items()) if share.n >= LEAST_CASES]
    return [min(enough, key=lambda entry: entry[1].value)] if enough else []
