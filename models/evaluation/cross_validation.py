"""Embeddings of the nine people -> cross-validated accuracy of identity, age and ethnicity.

The file's own heads were trained on most of these pictures, so they are not used. Instead a simple classifier on the
embedding is fitted on some of the pictures and measured on the rest.
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
    """Return the accuracy of five-fold cross-validation over all pictures.

    The pictures of each person go to the folds in turn. Identity is the person with the nearest mean embedding in the
    other four folds, also reported by ethnicity group. Age and ethnicity come from a linear head on the embedding,
    fitted on these four.
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
    """Return the accuracy of age and ethnicity when each of the nine is left out of the fit.

    The difference to `five_fold` is what was learned about the nine people, not about faces in general.
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
    """Return the label that ridge regression, fitted on the other folds, predicts for each embedding."""
    right = np.array([sample.label(head) for sample in predictions.samples])
    given = np.empty_like(right)
    inputs = np.hstack([predictions.embeddings, np.ones((len(right), 1))]).astype(np.float64)
    for number in np.unique(fold):
        held = fold == number
        names, indices = np.unique(right[~held], return_inverse=True)
        fitted = inputs[~held]
        normal = fitted.T @ fitted + _RIDGE * np.eye(fitted.shape[1])
        weights = np.linalg.solve(normal, fitted.T @ np.eye(len(names))[indices])
        given[held] = names[np.argmax(inputs[held] @ weights, axis=1)]
    return [str(name) for name in given]


def _figure(predictions: Predictions, data: str, head: str, given: Sequence[str]) -> Figure:
    hits = sum(name == sample.label(head) for name, sample in zip(given, predictions.samples, strict=True))
    return share_of(data, head, wilson(hits, len(predictions.samples)))
