"""Embeddings of the nine people -> how often they and their groups are told, by what was learnt from other pictures.

The file's own heads have learnt from most of these pictures. So they are not asked: a linear answer is learnt from the
embeddings of some of the pictures and asked about the rest.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from models.arrays import Array, unit_rows
from models.evaluation.figure import Figure, share_of
from models.evaluation.metrics import wilson
from models.evaluation.predictions import Predictions

_FOLDS = 5
_RIDGE = 1.0


def five_fold(predictions: Predictions) -> list[Figure]:
    """Return the share of right answers over all pictures, each asked about when it was not learnt from.

    The pictures of each person go to five folds in turn. Identity: the nearest of the means of each person's
    embeddings in the four other folds, by ethnicity group as well. Age and ethnicity: a linear head on the embedding,
    fitted to those four.
    """
    fold = np.zeros(len(predictions.samples), dtype=np.int64)
    for person in np.unique(predictions.persons):
        own = predictions.persons == person
        fold[own] = np.arange(int(own.sum())) % _FOLDS
    data = "lfw9, all pictures in five folds"
    named = _nearest_mean(predictions.embeddings, predictions.persons, fold)
    groups = [sample.ethnicity for sample in predictions.samples]
    hits = {
        group: [
            name == person for name, person, own in zip(named, predictions.persons, groups, strict=True) if own == group
        ]
        for group in sorted(set(groups))
    }
    return [
        _figure(predictions, data, "identity", named),
        *(share_of(data, f"identity: {group}", wilson(sum(found), len(found))) for group, found in hits.items()),
        *(_figure(predictions, data, head, _linear(predictions, head, fold)) for head in ("age", "ethnicity")),
    ]


def person_left_out(predictions: Predictions) -> list[Figure]:
    """Return the share of right age and ethnicity groups of each of the nine, learnt from the eight others.

    What is lost against the five folds was not known of faces in general: it was known of the nine.
    """
    _, fold = np.unique(predictions.persons, return_inverse=True)
    data = "lfw9, each person by what was learnt from the eight others"
    return [_figure(predictions, data, head, _linear(predictions, head, fold)) for head in ("age", "ethnicity")]


def _nearest_mean(embeddings: Array, persons: npt.NDArray[np.str_], fold: npt.NDArray[np.int64]) -> list[str]:
    given = np.empty_like(persons)
    for number in np.unique(fold):
        held = fold == number
        names = np.unique(persons[~held])
        means = unit_rows(np.stack([embeddings[~held & (persons == name)].mean(axis=0) for name in names]))
        given[held] = names[np.argmax(embeddings[held] @ means.T, axis=1)]
    return [str(name) for name in given]


def _linear(predictions: Predictions, head: str, fold: npt.NDArray[np.int64]) -> list[str]:
    """Return the label that least squares with a ridge give each embedding, fitted to the other folds."""
    right = np.array([sample.label(head) for sample in predictions.samples])
    given = np.empty_like(right)
    inputs = np.hstack([predictions.embeddings, np.ones((len(right), 1))]).astype(np.float64)
    for number in np.unique(fold):
        held = fold == number
        names, places = np.unique(right[~held], return_inverse=True)
        learnt = inputs[~held]
        normal = learnt.T @ learnt + _RIDGE * np.eye(learnt.shape[1])
        weights = np.linalg.solve(normal, learnt.T @ np.eye(len(names))[places])
        given[held] = names[np.argmax(inputs[held] @ weights, axis=1)]
    return [str(name) for name in given]


def _figure(predictions: Predictions, data: str, head: str, given: Sequence[str]) -> Figure:
    hits = sum(name == sample.label(head) for name, sample in zip(given, predictions.samples, strict=True))
    return share_of(data, head, wilson(hits, len(predictions.samples)))
