"""An entry of the inbox <-> the bytes of its file: version 1, JSON, faces in base64."""

import base64
import binascii
from types import MappingProxyType
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from node.domain import Flaw
from node.people import crop as crops
from node.people import embedding_text
from node.people.stamp_record import StampRecord
from node.review.entry import MAX_EVENTS, BestFace, ReviewEntry
from node.settings.section import ID_PATTERN
from node.vision.jpeg import PORTRAIT_BYTES

MAX_BYTES = 2 << 20
"""Most bytes of a file: more than a crop of the largest size and a picture take."""

_Id = Annotated[str, Field(pattern=rf"^{ID_PATTERN}$")]
_Crop = Annotated[str, Field(pattern=r"^[0-9a-f]{16}\.png$")]
_Count = Annotated[int, Field(ge=0, lt=1 << 31)]


class _Best(BaseModel):
    embedding: str
    file: _Crop
    crop: str
    weight: Annotated[float, Field(ge=0, le=1)]


class _Failed(BaseModel):
    file: _Crop
    crop: str


class _File(BaseModel):
    v: Annotated[int, Field(ge=1, le=1)] = 1
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]
    began: StampRecord
    seen: StampRecord
    space: str
    person: _Id | None
    looks: _Count
    flaws: dict[Flaw, _Count]
    embedding: str | None
    best: _Best | None
    failed: _Failed | None = None
    picture: str | None
    events: Annotated[list[Annotated[str, Field(max_length=36)]], Field(max_length=MAX_EVENTS)]
    handled: StampRecord | None
    assigned: _Id | None


def encode(entry: ReviewEntry) -> bytes:
    """Return the content of the file of an entry."""
    best = None
    if entry.best is not None:
        file, content = crops.encode(entry.best.crop)
        best = _Best(
            embedding=embedding_text.encode(entry.best.embedding),
            file=file,
            crop=base64.b64encode(content).decode(),
            weight=entry.best.weight,
        )
    failed = None
    if entry.failed is not None:
        file, content = crops.encode(entry.failed)
        failed = _Failed(file=file, crop=base64.b64encode(content).decode())
    return (
        _File(
            id=entry.id,
            began=StampRecord.model_validate(entry.began),
            seen=StampRecord.model_validate(entry.seen),
            space=entry.space,
            person=entry.person,
            looks=entry.looks,
            flaws=dict(entry.flaws),
            embedding=None if entry.embedding is None else embedding_text.encode(entry.embedding),
            best=best,
            failed=failed,
            picture=None if entry.picture is None else base64.b64encode(entry.picture).decode(),
            events=list(entry.events),
            handled=None if entry.handled is None else StampRecord.model_validate(entry.handled),
            assigned=entry.assigned,
        )
        .model_dump_json()
        .encode()
    )


def decode(content: bytes) -> ReviewEntry:
    """Return the entry in a file.

    Raises:
        ValueError: it is damaged, or of a later version; the message says what is wrong.
    """
    try:
        file = _File.model_validate_json(content)
        picture = None if file.picture is None else base64.b64decode(file.picture, validate=True)
        crop = None if file.best is None else base64.b64decode(file.best.crop, validate=True)
        other = None if file.failed is None else base64.b64decode(file.failed.crop, validate=True)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"{'.'.join(map(str, problem['loc'])) or 'file'}: {problem['msg']}") from error
    except binascii.Error as error:
        raise ValueError("a picture is not base64") from error
    if picture is not None and not (picture.startswith(b"\xff\xd8") and len(picture) <= PORTRAIT_BYTES):
        raise ValueError("the picture is not a small JPEG")
    best = None
    if file.best is not None and crop is not None:
        best = BestFace(
            embedding_text.decode(file.best.embedding), crops.decode(file.best.file, crop), file.best.weight
        )
    failed = None if file.failed is None or other is None else crops.decode(file.failed.file, other)
    return ReviewEntry(
        id=file.id,
        began=file.began.stamp,
        seen=file.seen.stamp,
        space=file.space,
        person=file.person,
        looks=file.looks,
        flaws=MappingProxyType(file.flaws),
        embedding=None if file.embedding is None else embedding_text.decode(file.embedding),
        best=best,
        failed=failed,
        picture=picture,
        events=tuple(file.events),
        handled=None if file.handled is None else file.handled.stamp,
        assigned=file.assigned,
    )
