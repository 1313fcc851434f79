"""Everybody's photos -> how surely each person is recognized by them, and which photos are weak or look like others.

Each photo is compared with the other photos of its person, and with those of everybody else. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from node.people.likeness import Nearest, Rows, scores
from node.people.person import Person

_Owners = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the other photos say about one.

    Attributes:
        own: the person themselves, by their other photos; None without another.
        other: whoever else is nearest; None without anybody else.
    """

    own: Nearest | None
    other: Nearest | None

    @property
    def weak(self) -> bool:
        """Whether the person's other photos would not name who is in it."""
        return self.own is not None and self.own.margin < 0

    @property
    def alike(self) -> bool:
        """Whether it may be taken for somebody else."""
        if self.other is None:
            return False
        return self.other.margin >= 0 or (self.own is not None and self.other.margin > self.own.margin)


@dataclass(frozen=True, slots=True)
class PersonOverview:
    """One person.

    Attributes:
        person: the id.
        photos: what the others say about each photo, by its id; none of another network.
        incomparable: number of photos of another network.
    """

    person: str
    photos: Mapping[str, Assessment]
    incomparable: int

    @property
    def recognized(self) -> int:
        """Number of photos that the others of the person recognize, and that nobody else is nearer to."""
        return sum(each.own is not None and not each.weak and not each.alike for each in self.photos.values())

    @property
    def other(self) -> Nearest | None:
        """Whoever else is nearest to one of the photos."""
        others = [each.other for each in self.photos.values() if each.other is not None]
        return max(others, key=lambda nearest: nearest.margin, default=None)


def overview(people: Sequence[Person], space: str, threshold: float) -> tuple[PersonOverview, ...]:
    """Return how everybody is recognized by their photos.

    Args:
        people: everybody enrolled.
        space: of the network; photos of other spaces cannot be compared.
        threshold: least score that names somebody.
    """
    anchors = [(person.id, anchor) for person in people for anchor in person.anchors if anchor.space == space]
    owners = np.array([owner for owner, _ in anchors], dtype=object)
    found: dict[str, dict[str, Assessment]] = {person.id: {} for person in people}
    if anchors:
        rows = np.stack([anchor.embedding for _, anchor in anchors])
        for number, (owner, anchor) in enumerate(anchors):
            found[owner][anchor.photo] = _assess(rows, owners, number, threshold)
    return tuple(
        PersonOverview(person.id, found[person.id], sum(anchor.space != space for anchor in person.anchors))
        for person in people
    )


def _assess(rows: Rows, owners: _Owners, number: int, least: float) -> Assessment:
    """Return what all other photos say about one."""
    row = scores(rows[number : number + 1], rows)[0]
    row[number] = -np.inf
    ours = owners == owners[number]
    return Assessment(_nearest(row, ours, owners, least), _nearest(row, ~ours, owners, least))


def _nearest(row: Rows, chosen: npt.NDArray[np.bool_], owners: _Owners, least: float) -> Nearest | None:
    best = int(np.argmax(np.where(chosen, row, -np.inf)))
    score = float(row[best])
    if not chosen[best] or not np.isfinite(score):
        return None
    return Nearest(str(owners[best]), score, score - least)
