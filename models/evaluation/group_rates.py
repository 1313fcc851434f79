"""Predictions for people of known groups -> how often strangers of a group are named, and its people recognized."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.arrays import Array, unit_rows
from models.evaluation.figure import Figure, share_of
from models.evaluation.groups import Group, GroupScores, groups_of
from models.evaluation.metrics import wilson
from models.evaluation.predictions import Predictions
from models.evaluation.scoring import Decision

PAIRS = "strangers of their own group called by a name, one person enrolled by one photo"
GALLERY = "strangers of their own group called by a name, ten people enrolled by one photo each"
NOISY = "small and noisy strangers of their own group called by a name, one person enrolled by one photo"
ADULTS = "all adults"
TEN = 10


@dataclass(frozen=True, slots=True)
class Views:
    """How many degraded second views are enrolled and seen.

    Attributes:
        photos: photos enrolled: the picture, and second views of it.
        looks: second views that a track averages.
        people: number of people enrolled, which sets the threshold.
    """

    photos: int
    looks: int
    people: int

    def __str__(self) -> str:
        """Return the name of its table."""
        enrolled = "one person" if self.people == 1 else f"{self.people} people"
        return (
            f"degraded second views recognized, {self.photos} photo{'s' * (self.photos > 1)}, "
            f"{self.looks} look{'s' * (self.looks > 1)}, {enrolled} enrolled"
        )


SHOWN = Views(photos=1, looks=3, people=1)
"""What stands in the card's first table."""
ALL_VIEWS = (Views(1, 1, 1), SHOWN, Views(3, 3, 1), Views(1, 3, TEN), Views(3, 3, TEN))
NEEDED_VIEWS = max(views.photos - 1 + views.looks for views in ALL_VIEWS)
"""Number of different second views that `group_rates` takes."""


def group_rates(
    faces: Predictions, second_views: Sequence[Predictions], noisy: Predictions, data: str, decision: Decision
) -> list[Figure]:
    """Return the figures of each group at the shipped threshold.

    Args:
        faces: pictures of many people of known ethnicity, gender and age, taken as one of each person.
        second_views: degraded second views of the same pictures: `NEEDED_VIEWS` of them.
        noisy: the same pictures, small and noisy.
        data: name of the pictures.
        decision: how they are compared.
    """
    groups = groups_of(faces.samples)
    clean = {group.name: _scores(group, faces, faces, decision) for group in groups}
    one, ten = decision.least(1), decision.least(TEN)
    named = {name: scores.named(ten, TEN) for name, scores in clean.items()}
    figures = [share_of(f"{data}, {PAIRS}", name, scores.share(one)) for name, scores in clean.items()]
    figures += [share_of(f"{data}, {GALLERY}", name, share) for name, share in named.items() if share]
    figures += [
        share_of(f"{data}, {NOISY}", group.name, _scores(group, noisy, faces, decision).share(one)) for group in groups
    ]
    seen = [view.embeddings for view in second_views]
    return figures + [
        figure for views in ALL_VIEWS for figure in _recognized(groups, faces, seen, views, data, decision)
    ]


def _scores(group: Group, probes: Predictions, anchors: Predictions, decision: Decision) -> GroupScores:
    return GroupScores.of(group, probes.embeddings, anchors.embeddings, decision.scoring)


def _recognized(  # noqa: PLR0917 - what a table depends on
    groups: Sequence[Group],
    faces: Predictions,
    seen: Sequence[Array],
    views: Views,
    data: str,
    decision: Decision,
) -> list[Figure]:
    """Return the share of each group whose track reaches the threshold with the nearest of their own photos."""
    looks, enrolled = seen[: views.looks], seen[views.looks : views.looks + views.photos - 1]
    track = unit_rows(np.mean(looks, axis=0))
    scores = np.max([decision.scoring.paired(track, anchors) for anchors in (faces.embeddings, *enrolled)], axis=0)
    passed = scores >= decision.least(views.people)
    adults = [group for group in groups if "," in group.name]
    everybody = Group(ADULTS, tuple(cell for group in adults for cell in group.cells))
    rows = [everybody, *groups] if adults else list(groups)
    return [
        share_of(f"{data}, {views}", group.name, wilson(int(passed[group.places].sum()), len(group.places)))
        for group in rows
    ]
