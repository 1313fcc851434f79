"""Everybody's photos -> how surely each person is recognized by them, and which photos are weak or look like others.

Each photo is compared with the other photos of its person, and with those of everybody else. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from node.people.likeness import Comparison, Faces, Nearest
from node.people.person import Anchor, Person

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


def overview(people: Sequence[Person], naming: Comparison) -> tuple[PersonOverview, ...]:
    """Return how everybody is recognized by their photos.

    Args:
        people: everybody enrolled.
        naming: how faces that get a name are compared; photos of other networks cannot be compared.
    """
    anchors = [(person.id, anchor) for person in people for anchor in person.anchors if _fits(anchor, naming)]
    owners = np.array([owner for owner, _ in anchors], dtype=object)
    found: dict[str, dict[str, Assessment]] = {person.id: {} for person in people}
    if anchors:
        faces = Faces.of([anchor for _, anchor in anchors], naming.cohort)
        for number, (owner, anchor) in enumerate(anchors):
            found[owner][anchor.photo] = _assess(faces, owners, number, naming)
    return tuple(
        PersonOverview(person.id, found[person.id], sum(not _fits(anchor, naming) for anchor in person.anchors))
        for person in people
    )


def _assess(faces: Faces, owners: _Owners, number: int, naming: Comparison) -> Assessment:
    """Return what all other photos say about one."""
    one = Faces(faces.rows[number : number + 1], faces.offsets[number : number + 1])
    cosines, margins = one.cosines(faces)[0], naming.margins(one, faces)[0]

    def nearest(chosen: npt.NDArray[np.bool_]) -> Nearest | None:
        if not chosen.any():
            return None
        best = int(np.argmax(np.where(chosen, margins, -np.inf)))
        return Nearest(str(owners[best]), float(np.clip(cosines[best], -1, 1)), float(margins[best]))

    ours = owners == owners[number]
    others = ~ours
    ours[number] = False
    return Assessment(nearest(ours), nearest(others))


def _fits(anchor: Anchor, naming: Comparison) -> bool:
    return naming.fits(anchor.embedding, anchor.space)
