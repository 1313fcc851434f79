"""Predictions for people -> the figures of verification, open-set and closed-set identification."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.arrays import Array
from models.data.samples import Pair
from models.errors import TrainingError
from models.evaluation.figure import Figure, share_of
from models.evaluation.metrics import tar_at_far, tpir_at_fpir, verification, wilson
from models.evaluation.predictions import Predictions
from models.evaluation.scoring import COSINE, Decision, Scoring
from node.domain import counted
from node.vision.sidecar import ClassificationHead

_ENROLLED = 12
_PHOTOS = (5, 2, 1)
"""Photos enrolled per person, the greatest number first: the pictures after it are the probes for all numbers."""
_PEOPLE, _STRANGERS = "lfw_people val", "lfw9/unknown test"


@dataclass(frozen=True, slots=True, eq=False)
class Similarities:
    """Scores of pairs of pictures, each of shape (n,).

    Attributes:
        same: scores of the listed pairs of one person.
        other: scores of the listed pairs of two people.
        impostors: scores of all pairs of pictures of two people; the list has too few for a rate of 0.1 %.
    """

    same: Array
    other: Array
    impostors: Array


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """Probes against a gallery; each array has one entry per probe.

    Attributes:
        nearest: for probes of enrolled people, the index of the nearest enrolled person.
        right: for the same probes, the index of the true person.
        scores: for the same probes, the score with the nearest person.
        others: score with the nearest person, for probes of the other people of the split.
        fresh: score with the nearest person, for probes of people that the thresholds have not seen.
    """

    nearest: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    scores: Array
    others: Array
    fresh: Array


def similarities(people: Predictions, pairs: Sequence[Pair], scoring: Scoring = COSINE) -> Similarities:
    """Return the scores of the listed pairs, and of all pairs of pictures of two people."""
    place = {sample.path: number for number, sample in enumerate(people.samples)}
    known = [pair for pair in pairs if pair.left in place and pair.right in place]
    every = scoring.scores(people.embeddings, people.embeddings)
    scores = np.array([every[place[pair.left], place[pair.right]] for pair in known])
    same = np.array([pair.same for pair in known])
    rows, columns = np.triu_indices(len(people.samples), 1)
    different = people.persons[rows] != people.persons[columns]
    return Similarities(scores[same], scores[~same], every[rows, columns][different])


def verify(found: Similarities) -> list[Figure]:
    """Return the figures of verification."""
    scores = np.concatenate([found.same, found.other])
    same = np.arange(len(scores)) < len(found.same)
    return [
        Figure(_PEOPLE, "verification, 10-fold balanced", verification(scores, same), len(scores)),
        Figure(_PEOPLE, "TAR at FAR 1 %", tar_at_far(found.same, found.impostors, 0.01), len(found.same)),
        Figure(_PEOPLE, "TAR at FAR 0.1 %", tar_at_far(found.same, found.impostors, 0.001), len(found.same)),
    ]


def search(
    people: Predictions,
    strangers: Predictions,
    photos: int = _PHOTOS[0],
    scoring: Scoring = COSINE,
    probed: Predictions | None = None,
) -> Search:
    """Enrol the twelve people with most pictures, and compare all other pictures with them.

    Args:
        people: twelve of them are enrolled from their first pictures; their pictures after the fifth are probes.
        strangers: other people, that the thresholds have not seen.
        photos: photos enrolled per person.
        scoring: how embeddings are compared.
        probed: degraded views of the pictures of `people`, which are then the probes.

    Raises:
        TrainingError: an enrolled person has no picture left as a probe.
    """
    names, counts = np.unique(people.persons, return_counts=True)
    chosen = names[np.argsort(-counts, kind="stable")][:_ENROLLED]
    anchors, probes, right = [], [], []
    seen = (people if probed is None else probed).embeddings
    for number, person in enumerate(chosen):
        pictures, most = people.embeddings[people.persons == person], _PHOTOS[0]
        if len(pictures) <= most:
            raise TrainingError(
                f"{person} has {counted(len(pictures), 'picture')}: enrolling {most} leaves no probe: add pictures"
            )
        anchors.append(pictures[:photos])
        probes.append(seen[people.persons == person][most:])
        right += [number] * (len(pictures) - most)
    nearest, scores = _nearest_people(np.concatenate(probes), anchors, scoring)
    _, others = _nearest_people(seen[~np.isin(people.persons, chosen)], anchors, scoring)
    _, fresh = _nearest_people(strangers.embeddings, anchors, scoring)
    return Search(nearest, np.array(right), scores, others, fresh)


def open_set(people: Predictions, strangers: Predictions, decision: Decision) -> list[Figure]:
    """Return how often enrolled people are identified and strangers are named, by photos enrolled."""
    return [
        figure
        for photos in _PHOTOS
        for figure in _open_set(
            f"{_PEOPLE}, {_ENROLLED} people from {photos} photo{'s' * (photos > 1)}",
            search(people, strangers, photos, decision.scoring),
            decision,
        )
    ]


def noisy_open_set(
    people: Predictions, noisy: Predictions, noisy_strangers: Predictions, decision: Decision
) -> list[Figure]:
    """Return the same for small and noisy probes, with clean photos enrolled."""
    found = search(people, noisy_strangers, _PHOTOS[0], decision.scoring, noisy)
    return _open_set(f"{_PEOPLE}, {_ENROLLED} people from {_PHOTOS[0]} photos, small and noisy probes", found, decision)


def _open_set(data: str, found: Search, decision: Decision) -> list[Figure]:
    hits, everybody = found.nearest == found.right, np.concatenate([found.others, found.fresh])
    threshold, n = decision.least(_ENROLLED), len(found.right)
    return [
        share_of(data, "rank-1", wilson(int(hits.sum()), n)),
        *(Figure(data, f"TPIR at FPIR {100 * rate:g} %", _tpir(found, everybody, rate), n) for rate in (0.01, 0.001)),
        share_of(data, "TPIR at the shipped threshold", wilson(int(np.sum(hits & (found.scores >= threshold))), n)),
        *(
            share_of(
                data,
                f"strangers of {whose} called by a name at the shipped threshold",
                wilson(int(np.sum(scores >= threshold)), len(scores)),
            )
            for whose, scores in ((_PEOPLE, found.others), (_STRANGERS, found.fresh))
        ),
    ]


def closed_set(known: Predictions, strangers: Predictions, classes: ClassificationHead) -> list[Figure]:
    """Return the accuracy of the identity head with its reject score, and how often it names strangers."""
    threshold = classes.reject or 0.0
    scores = known.heads["identity"]
    right = np.array([classes.labels.index(sample.person) for sample in known.samples])
    named = (np.argmax(scores, axis=1) == right) & (scores.max(axis=1) >= threshold)
    mistaken = strangers.heads["identity"].max(axis=1) >= threshold
    return [
        share_of("lfw9 test", "identity, with the head's reject score", wilson(int(named.sum()), len(named))),
        share_of(
            f"strangers of {_STRANGERS}",
            "called by a name by the identity head",
            wilson(int(mistaken.sum()), len(mistaken)),
        ),
    ]


def _nearest_people(probes: Array, anchors: Sequence[Array], scoring: Scoring) -> tuple[npt.NDArray[np.int64], Array]:
    """Return the nearest person of each probe and the score with their nearest anchor, by the node's rule."""
    every = scoring.scores(probes, np.concatenate(anchors))
    starts = np.cumsum([0, *(len(person) for person in anchors[:-1])])
    scores = np.maximum.reduceat(every, starts, axis=1)
    nearest = np.argmax(scores, axis=1)
    return nearest, scores[np.arange(len(probes)), nearest]


def _tpir(found: Search, strangers: Array, rate: float) -> float:
    return tpir_at_fpir(found.nearest, found.scores, found.right, strangers, rate)
