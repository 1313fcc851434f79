"""A person with anchors of an older network -> the same with anchors of this one, from their kept crops."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from node.domain import Image, Vector, counted
from node.errors import ModelError
from node.people import crop as crops
from node.people.person import Anchor, Person
from node.system.plain_files import read_regular

_log = logging.getLogger(__name__)

Embed = Callable[[Image], Vector]
"""Returns the embedding, shape (n,), float32, of an aligned face, shape (height, width, 3), uint8, RGB."""


@dataclass(frozen=True, slots=True, eq=False)
class Reembedded:
    """The result for one person.

    Attributes:
        person: with every anchor that could be embedded again in the requested space; the others unchanged.
        count: anchors that were embedded again.
        incomparable: anchors that stay in another space, so that nothing is compared with them.
        damaged: why a crop could not be used, by file name.
    """

    person: Person
    count: int
    incomparable: int
    damaged: Mapping[str, str]


def reembed(person: Person, space: str, crop_of: Callable[[Anchor], Image | None], embed: Embed) -> Reembedded:
    """Return a person with the anchors of other spaces embedded again.

    Args:
        person: who.
        space: the space of `embed`.
        crop_of: returns the crop of an anchor, None if none is kept; raises ValueError if it is damaged.
        embed: the network.
    """
    counts = {"reembedded": 0, "incomparable": 0}
    damaged: dict[str, str] = {}

    def current(anchor: Anchor) -> Anchor:
        if anchor.space == space:
            return anchor
        try:
            crop = crop_of(anchor)
        except ValueError as error:
            damaged[anchor.crop.name if anchor.crop else anchor.source] = str(error)
            crop = None
        if crop is None:
            counts["incomparable"] += 1
            return anchor
        counts["reembedded"] += 1
        return replace(anchor, embedding=normalised(embed(crop)), space=space, usual=None)

    anchors, negatives = (tuple(map(current, own)) for own in (person.anchors, person.negatives))
    changed = replace(person, anchors=anchors, negatives=negatives)
    return Reembedded(changed, counts["reembedded"], counts["incomparable"], damaged)


def normalised(embedding: Vector) -> Vector:
    """Return an embedding, shape (n,), float32, at unit length: that of a quantized network is only close to it.

    Raises:
        ModelError: its length is zero or not finite.
    """
    length = float(np.linalg.norm(embedding))
    if not 0 < length < np.inf:
        raise ModelError("the network gives an embedding without a length: its file is damaged: copy it again")
    return (embedding / length).astype(np.float32)


def read_crop(anchor: Anchor) -> Image | None:
    """Return the crop of an anchor from the disk; None if none is kept.

    Raises:
        ValueError: it is missing or damaged.
    """
    if anchor.crop is None:
        return None
    return crops.decode(anchor.crop.name, read_crop_file(anchor.crop))


def read_crop_file(path: Path) -> bytes:
    """Return the content of a crop's file.

    Raises:
        ValueError: it cannot be read.
    """
    try:
        return read_regular(path, crops.MAX_BYTES)
    except OSError as error:
        raise ValueError(str(error.strerror or error)) from error


def log_results(results: Sequence[Reembedded]) -> None:
    """Log what was embedded again, what is damaged, and what can no longer be compared."""
    if count := sum(result.count for result in results):
        _log.info("people: %s embedded again for this network", counted(count, "face"))
    for result in results:
        for name, reason in result.damaged.items():
            _log.error("people: %s: the crop %s cannot be used: %s (not published)", result.person.id, name, reason)
    if incomparable := [result for result in results if result.incomparable]:
        _log.warning(
            "people: %s enrolled with another network, without a usable crop: kept, but not compared "
            "(not published): %s: facenode people add ID PHOTO...",
            counted(sum(result.incomparable for result in incomparable), "face"),
            ", ".join(result.person.id for result in incomparable),
        )
