"""Predictions for people of known ethnicity, gender and age -> figures for each group, and the worst groups."""

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from models.arrays import Array
from models.data.samples import Sample
from models.evaluation.figure import Figure, share_of
from models.evaluation.metrics import Share, wilson
from models.evaluation.predictions import Predictions

LEAST_CASES = 30
"""A smaller group is never named the worst: one picture would move it by more than three points."""
THREE_GROUPS = ("asian", "black", "white")
"""The ethnicity groups of the paper."""
WORST = "worst cell of"

_ADULT_YEARS, _CHILD_YEARS = 18, 12


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


def similar_pairs(predictions: Predictions, data: str, threshold: float) -> list[Figure]:
    """Return the share of pairs of people of one ethnicity and gender that reach a threshold: adults, and children.

    It estimates how often a stranger is taken for an enrolled person of their group, with one photo enrolled. The
    pictures have no names, and a few pairs show one person twice, so the share is an upper bound.

    Args:
        predictions: predictions for pictures of many people of known age.
        data: name of the pictures.
        threshold: the least cosine of a match.
    """
    adults = {
        cell: cosines
        for cell, cosines in _cosines_by_group(predictions, lambda years: years >= _ADULT_YEARS).items()
        if len(cosines) >= _pairs_of(LEAST_CASES)
    }
    children = list(_cosines_by_group(predictions, lambda years: years < _CHILD_YEARS).values())
    return [
        Figure(
            f"{data}, pairs of two {who}",
            f"over the threshold for one person: {cell}",
            _share_over(cosines, threshold),
            n,
        )
        for who, cells in (("adults", adults), ("children under 12", {"all cells": np.concatenate([*children, []])}))
        for cell, cosines in sorted(cells.items())
        if (n := len(cosines))
    ]


def _right(predictions: Predictions, head: str, labels: Sequence[str]) -> list[bool]:
    given = np.argmax(predictions.heads[head], axis=1)
    return [labels[number] == sample.label(head) for number, sample in zip(given, predictions.samples, strict=True)]


def _cells(samples: Sequence[Sample], right: Sequence[bool], name: Callable[[Sample], str]) -> dict[str, Share]:
    found: dict[str, list[bool]] = defaultdict(list)
    for sample, is_right in zip(samples, right, strict=True):
        found[name(sample)].append(is_right)
    return {cell: wilson(sum(cases), len(cases)) for cell, cases in found.items()}


def _cosines_by_group(predictions: Predictions, old_enough: Callable[[int], bool]) -> dict[str, Array]:
    """Return by ethnicity and gender the cosines of all pairs of pictures of people of an age."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, sample in enumerate(predictions.samples):
        if sample.years is not None and old_enough(sample.years):
            places[f"{sample.ethnicity}, {sample.gender}"].append(place)
    found = {}
    for cell, chosen in places.items():
        embeddings = predictions.embeddings[chosen]
        found[cell] = (embeddings @ embeddings.T)[np.triu_indices(len(chosen), 1)]
    return found


def _pairs_of(pictures: int) -> int:
    return pictures * (pictures - 1) // 2


def _share_over(cosines: Array, threshold: float) -> float:
    return float(np.mean(cosines >= threshold))


def _worst(cells: dict[str, Share]) -> list[tuple[str, Share]]:
    """Return the group with the least share among those with enough cases; nothing if no group has enough."""
    enough = [(cell, share) for cell, share in sorted(cells.items()) if share.n >= LEAST_CASES]
    return [min(enough, key=lambda entry: entry[1].value)] if enough else []
