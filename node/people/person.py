"""A person as the node knows them: an id, a display name and anchors."""

import hashlib
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from node.domain import UNKNOWN, Vector
from node.errors import PeopleError
from node.settings.section import ID_PATTERN

_SAME_EMBEDDING = 1e-6
_MAX_NAME = 64
_MAX_START = 24
"""Most characters of an id that come from a name; the rest is room for a number."""


@dataclass(frozen=True, slots=True, eq=False)
class Anchor:
    """One face that is known to show a person, or known not to.

    Attributes:
        embedding: shape (n,), float32, unit length.
        space: the space of the embedding; only embeddings of one space can be compared.
        source: where the face comes from, such as the name of a photo.
        crop: the file of the aligned face; None if it is not kept.
        usual: what `Cohort.usual` says of the embedding, by the cohort of the network that runs; None if that was not
            computed. It is no part of a record.
    """

    embedding: Vector
    space: str
    source: str
    crop: Path | None = None
    usual: float | None = None

    @property
    def photo(self) -> str:
        """The id of the photo, 16 hex digits: the digest of the crop's pixels, without a crop that of the embedding."""
        if self.crop is not None:
            return self.crop.stem
        return hashlib.sha256(f"{self.space}\0".encode() + self.embedding.astype("<f4").tobytes()).hexdigest()[:16]

    def shows_same_image(self, other: "Anchor") -> bool:
        """Return whether both come from one image: the same crop, or the same embedding to within 1e-6."""
        if self.crop is not None and other.crop is not None and self.crop.name == other.crop.name:
            return True
        comparable = self.space == other.space and self.embedding.shape == other.embedding.shape
        return comparable and bool(np.allclose(self.embedding, other.embedding, atol=_SAME_EMBEDDING))


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """A person who is enrolled.

    Attributes:
        id: used in topics and payloads.
        name: for display; the id unless given.
        anchors: faces of the person, at least one.
        ignored: whether the owner wants no events about this person.
        negatives: faces that were taken for this person and show somebody else.
    """

    id: str
    name: str
    anchors: tuple[Anchor, ...]
    ignored: bool = False
    negatives: tuple[Anchor, ...] = ()


def checked_id(person: str) -> str:
    """Return the id unchanged.

    Raises:
        PeopleError: it is not a valid id, or it means a stranger.
    """
    if re.fullmatch(ID_PATTERN, person) is None:
        raise PeopleError(
            f"{person!r} is not a valid id: use up to 32 of a-z, 0-9, _ and -, starting with a letter or digit; "
            "set the display name with --name"
        )
    if person == UNKNOWN:
        raise PeopleError(f"{person!r} cannot be a person's id: it means a stranger")
    return person


def checked_name(name: str) -> str:
    """Return the display name unchanged.

    Raises:
        PeopleError: it is empty, too long, or contains characters that are unsafe in a terminal or a message.
    """
    if not (name.strip() and len(name) <= _MAX_NAME and name.isprintable()):
        raise PeopleError(f"{name!r} is not a valid name: use 1 to {_MAX_NAME} printable characters")
    return name


def id_for(name: str, taken: Collection[str]) -> str:
    """Return an id for a display name, such as `zoe-muller` for Zoë Müller, that nobody has."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    start = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:_MAX_START].strip("-") or "person"
    numbered = (start, *(f"{start}-{number}" for number in range(2, len(taken) + 4)))
    return next(each for each in numbered if each not in taken and each != UNKNOWN)


def merged(anchors: tuple[Anchor, ...], more: tuple[Anchor, ...]) -> tuple[Anchor, ...]:
    """Return `anchors`, and those of `more` that come from other images.

    If both have an anchor of one image, the one in `anchors` stays, unless it has another space or no crop.
    """
    kept = list(anchors)
    for anchor in more:
        index = next((n for n, known in enumerate(kept) if anchor.shows_same_image(known)), None)
        if index is None:
            kept.append(anchor)
        elif kept[index].space != anchor.space or kept[index].crop is None:
            kept[index] = anchor
    return tuple(kept)


def without(anchors: tuple[Anchor, ...], others: tuple[Anchor, ...]) -> tuple[Anchor, ...]:
    """Return the anchors whose image is not among `others`."""
    return tuple(anchor for anchor in anchors if not any(anchor.shows_same_image(other) for other in others))
