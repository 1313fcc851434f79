"""What is usual for the anchors of a person -> a file beside their record, and back: computed once for each cohort.

people/<id>/normalization.json  {"v": 1, "cohort": sha256 of the cohort, "nearest": how many of it count,
                                 "anchors": sha256 of the embeddings, "usual": [a number for each]}

The record itself keeps the shape that version 0.1.0 reads, which takes no notice of the file and erases it with the
person. A change of the record removes the file, and so does its undoing. A file that does not fit the record or the
cohort, is damaged or is missing is made again when the gallery is loaded.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from node.people.matcher import in_space, usual
from node.people.person import Anchor, Person
from node.vision.cohort import Cohort

FILE = "normalization.json"
MAX_BYTES = 1 << 20
"""Most bytes of a file: more than those of the faces of the largest record take."""
_DECIMALS = 6


class _File(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    v: Annotated[int, Field(ge=1, le=1)] = 1
    cohort: str
    nearest: int
    anchors: str
    usual: list[Annotated[float, Field(ge=-1.01, le=1.01)]]


def read(person: Person, content: bytes, space: str, cohort: Cohort) -> Person | None:
    """Return a person whose anchors have what a file says is usual for them; None if the file does not fit.

    Args:
        person: as their record has them.
        content: of the file.
        space: of the network; anchors of other spaces are left alone.
        cohort: of the network.
    """
    try:
        file = _File.model_validate_json(content)
    except ValidationError:
        return None
    own = _compared(person, space)
    if (file.cohort, file.nearest, file.anchors) != (cohort.sha256, cohort.nearest, _digest(own)):
        return None
    return _with_usual(person, own, file.usual) if len(file.usual) == len(own) else None


def compute(people: Sequence[Person], space: str, cohort: Cohort) -> tuple[Person, ...]:
    """Return people whose anchors of this space have what is usual for them."""
    own = [_compared(person, space) for person in people]
    numbers = iter(np.round(usual([anchor for each in own for anchor in each], cohort).astype(float), _DECIMALS))
    return tuple(
        _with_usual(person, each, [float(next(numbers)) for _ in each])
        for person, each in zip(people, own, strict=True)
    )


def encode(person: Person, space: str, cohort: Cohort) -> bytes:
    """Return the content of the file of a person that `compute` has returned."""
    own = _compared(person, space)
    numbers = [anchor.usual for anchor in own if anchor.usual is not None]
    file = _File(cohort=cohort.sha256, nearest=cohort.nearest, anchors=_digest(own), usual=numbers)
    return file.model_dump_json().encode()


def _compared(person: Person, space: str) -> list[Anchor]:
    return in_space((*person.anchors, *person.negatives), space)


def _digest(anchors: Sequence[Anchor]) -> str:
    digest = hashlib.sha256()
    for anchor in anchors:
        digest.update(anchor.embedding.astype("<f4").tobytes())
    return digest.hexdigest()


def _with_usual(person: Person, anchors: Sequence[Anchor], numbers: Sequence[float]) -> Person:
    known: Mapping[int, float] = {id(anchor): number for anchor, number in zip(anchors, numbers, strict=True)}
    positive, negative = (
        tuple(replace(anchor, usual=known.get(id(anchor))) for anchor in own)
        for own in (person.anchors, person.negatives)
    )
    return replace(person, anchors=positive, negatives=negative)
