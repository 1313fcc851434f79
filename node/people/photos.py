"""A person -> their photos, each with an id, its date, and how well it agrees with the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from node.errors import PeopleError, Reason
from node.people import photo_dates
from node.people.likeness import scores
from node.people.person import Anchor, Person

_LEAST_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo of a person.

    Attributes:
        id: 16 hex digits, derived from the face in it.
        source: where it comes from.
        added: when it was enrolled; None if nobody knows.
        agreement: score with the most similar other photo of the person; None without another of the same network.
        rejected: whether it is kept as a face that is not theirs.
        crop: the file of the aligned face; None if it is not kept.
    """

    id: str
    source: str
    added: datetime | None
    agreement: float | None
    rejected: bool
    crop: Path | None


def photos_of(person: Person, folder: Path) -> tuple[Photo, ...]:
    """Return the photos of a person, those that were rejected last.

    Args:
        person: who.
        folder: of this person, where the dates are.
    """
    dates = photo_dates.read(folder)

    def photo(anchor: Anchor, agreement: float | None, *, rejected: bool) -> Photo:
        added = dates.get(anchor.photo) or (photo_dates.changed(anchor.crop) if anchor.crop else None)
        return Photo(anchor.photo, anchor.source, added, agreement, rejected, anchor.crop)

    return (
        *(photo(anchor, _agreement(anchor, person.anchors), rejected=False) for anchor in person.anchors),
        *(photo(anchor, _agreement(anchor, person.anchors), rejected=True) for anchor in person.negatives),
    )


def find_photo(person: Person, photo: str) -> Anchor:
    """Return the face of a photo, given its id or at least the first four digits of it.

    Raises:
        PeopleError: the person has no such photo, or several.
    """
    anchors = (*person.anchors, *person.negatives)
    found = [anchor for anchor in anchors if len(photo) >= _LEAST_DIGITS and anchor.photo.startswith(photo)]
    if len({anchor.photo for anchor in found}) > 1:
        raise PeopleError(
            f"{photo}: {person.id} has several photos whose ids begin so: give more digits", Reason.NO_PHOTO
        )
    if not found:
        raise PeopleError(
            f"{photo}: {person.id} has no such photo: `facenode people photos {person.id}` lists their ids",
            Reason.NO_PHOTO,
        )
    return found[0]


def _agreement(anchor: Anchor, anchors: Sequence[Anchor]) -> float | None:
    others = [other.embedding for other in anchors if other is not anchor and other.space == anchor.space]
    return float(np.max(scores(anchor.embedding[np.newaxis], np.stack(others)))) if others else None
