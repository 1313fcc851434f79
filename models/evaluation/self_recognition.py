"""Pictures of people, clean and degraded -> the share that the person's own first photos recognize."""

from collections.abc import Sequence

import numpy as np

from models.arrays import Array, unit_rows
from models.evaluation.figure import Figure, share_of
from models.evaluation.metrics import wilson
from models.evaluation.predictions import Predictions
from models.evaluation.scoring import Decision

DATA = "lfw_people, each person enrolled alone from 5 photos"
LOOKS = 3
_PHOTOS = 5


def own_pictures_recognized(people: Predictions, noisy: Sequence[Predictions], decision: Decision) -> list[Figure]:
    """Return how often pictures of a person reach the threshold for one with the nearest of their first five photos.

    Args:
        people: people, some with more than five pictures: those after the fifth are probes.
        noisy: small and noisy views of the same pictures, `LOOKS` of them.
        decision: how they are compared.
    """
    looks = [view.embeddings for view in noisy[:LOOKS]]
    seen = {
        "recognized at the shipped threshold": people.embeddings,
        "recognized, small and noisy, one look": looks[0],
        f"recognized, small and noisy, {LOOKS} looks": unit_rows(np.mean(looks, axis=0)),
    }
    figures = []
    for name, probes in seen.items():
        best = _best_scores(people, probes, decision)
        figures.append(share_of(DATA, name, wilson(int(np.sum(best >= decision.least(1))), len(best))))
    return figures


def _best_scores(people: Predictions, probes: Array, decision: Decision) -> Array:
    """Return the score of each picture after a person's fifth with the nearest of their first five."""
    best = []
    for person in np.unique(people.persons):
        own = np.flatnonzero(people.persons == person)
        if len(own) > _PHOTOS:
            photos, later = people.embeddings[own[:_PHOTOS]], probes[own[_PHOTOS:]]
            best.append(decision.scoring.scores(later, photos).max(axis=1))
    found: Array = np.concatenate(best)
    return found
