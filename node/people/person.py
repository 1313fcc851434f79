"""Who somebody is to the node: an id, a name for people to read, and anchors."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from node.domain import UNKNOWN, Vector
from node.errors import PeopleError
from node.settings.schema import ID_PATTERN

_SAME = 1e-6
_MAX_NAME = 64


@dataclass(frozen=True, slots=True, eq=False)
class Anchor:
    """One face that is known to be somebody's, or known not to be.

    Attributes:
        embedding: shape (n,), float32, unit length.
        space: the embeddings it can be compared with.
        source: where the face came from, such as the name of a photo.
        crop: the file of the aligned face, or None if it is not kept.
    """

    embedding: Vector
    space: str
    source: str
    crop: Path | None = None

    def shows_same_image(self, other: "Anchor") -> bool:
        """Return whether both are of one picture: of the same crop, or the same embedding to within 1e-6."""
        if self.crop is not None and other.crop is not None and self.crop.name == other.crop.name:
            return True
        comparable = self.space == other.space and self.embedding.shape == other.embedding.shape
        return comparable and bool(np.allclose(self.embedding, other.embedding, atol=_SAME))


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Somebody who is enrolled.

    Attributes:
        id: in topics and payloads.
        name: for people to read; the id unless given.
        anchors: at least one.
        ignored: whether the owner wants no events of this person.
        negatives: faces that were taken for this person and are not.
    """

    id: str
    name: str
    anchors: tuple[Anchor, ...]
    ignored: bool = False
    negatives: tuple[Anchor, ...] = ()


def checked_id(person: str) -> str:
    """Return the id as it is.

    Raises:
        PeopleError: it does not fit the contract, or means a stranger.
    """
    if re.fullmatch(ID_PATTERN, person) is None:
        raise PeopleError(
            f"{person!r} is no person's id: up to 32 of a-z, 0-9, _ and -, the first a letter or digit; "
            "the name that people read goes to --name"
        )
    if person == UNKNOWN:
        raise PeopleError(f"{person!r} cannot be a person's id: it is what strangers are called")
    return person


def checked_name(name: str) -> str:
    """Return the name as it is.

    Raises:
        PeopleError: it is empty, too long, or holds what no terminal and no message should be given.
    """
    if not (name.strip() and len(name) <= _MAX_NAME and name.isprintable()):
        raise PeopleError(f"{name!r} is no name: up to {_MAX_NAME} characters that can be read")
    return name


def merged(anchors: tuple[Anchor, ...], more: tuple[Anchor, ...]) -> tuple[Anchor, ...]:
    """Return anchors and those of `more` that show something else.

    Of what both show the former anchor stays, unless it is of another space or has no crop.
    """
    kept = list(anchors)
    for anchor in more:
        place = next((n for n, known in enumerate(kept) if anchor.shows_same_image(known)), None)
        if place is None:
            kept.append(anchor)
        elif kept[place].space != anchor.space or kept[place].crop is None:
            kept[place] = anchor
    return tuple(kept)


def without(anchors: tuple[Anchor, ...], others: tuple[Anchor, ...]) -> tuple[Anchor, ...]:
    """Return the anchors that show nothing of what `others` show."""
    return tuple(anchor for anchor in anchors if not any(anchor.shows_same_image(other) for other in others))


def counted(number: int, noun: str) -> str:
    """Return a number of things in words, such as `1 face` and `2 faces`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
