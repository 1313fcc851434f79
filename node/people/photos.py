"""A person -> their photos, each with an id, its date, and how well it agrees with the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from node.errors import PeopleError, Reason
from node.people import photo_dates
from node.people.likeness import Comparison
from node.people.person import Anchor, Person

_LEAST_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo of a person.

    Attributes:
        id: 16 hex digits, derived from the face in it.
        source: where it comes from.
        added: when it was enrolled; None if nobody knows.
        agreement: margin of the score with the most similar other photo of the person: from 0 on, that photo alone
            names the face in this one. None without another photo that can be compared.
        rejected: whether it is kept as a face that is not theirs.
        crop: the file of the aligned face; None if it is not kept.
    """

    id: str
    source: str
    added: datetime | None
    agreement: float | None
    rejected: bool
    crop: Path | None


def photos_of(person: Person, folder: Path, naming: Comparison | None = None) -> tuple[Photo, ...]:
    """Return the photos of a person, those that were rejected last.

    Args:
        person: who.
        folder: of this person, where the dates are.
        naming: how faces that get a name are compared; without it there is no agreement.
    """
    dates = photo_dates.read(folder)

    def photo(anchor: Anchor, *, rejected: bool) -> Photo:
        added = dates.get(anchor.photo) or (photo_dates.changed(anchor.crop) if anchor.crop else None)
        agreement = None if naming is None else _agreement(anchor, person.anchors, naming)
        return Photo(anchor.photo, anchor.source, added, agreement, rejected, anchor.crop)

    return (
        *(photo(anchor, rejected=False) for anchor in person.anchors),
        *(photo(anchor, rejected=True) for anchor in person.negatives),
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


def _agreement(anchor: Anchor, anchors: Sequence[Anchor], naming: Comparison) -> float | None:
    own, others = naming.anchors([anchor]), naming.anchors([other for other in anchors if other is not anchor])
    return None if own is None or others is None else float(np.max(naming.margins(own, others)))
