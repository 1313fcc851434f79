"""Who somebody is to the node: an id, a name for people to read, and anchors."""

import re
from dataclasses import dataclass
from pathlib import Path

from node.domain import UNKNOWN, Vector
from node.errors import PeopleError
from node.settings import ID_PATTERN


@dataclass(frozen=True, slots=True, eq=False)
class Anchor:
    """One face that is known to be somebody's.

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


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Somebody who is enrolled.

    Attributes:
        id: in topics and payloads.
        name: for people to read; the id unless given.
        anchors: at least one.
        ignored: whether the owner wants no events of this person.
    """

    id: str
    name: str
    anchors: tuple[Anchor, ...]
    ignored: bool = False


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
