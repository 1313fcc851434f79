"""A person -> the bytes of their record, and back: version 1, JSON, embeddings as base64 of little-endian float32."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from node.errors import PeopleError
from node.people import embedding_text
from node.people.person import Anchor, Person, checked_id

FILE = "person.json"
MAX_BYTES = 16 << 20
"""Most bytes of a record: more than 4,000 faces take."""


class _AnchorRecord(BaseModel):
    model_config = ConfigDict(extra="forbid")

    embedding: str
    space: str
    source: str
    crop: Annotated[str | None, Field(pattern=r"^[0-9a-f]+\.png$")] = None


class _PersonRecord(BaseModel):
    model_config = ConfigDict(extra="forbid")

    v: Annotated[int, Field(ge=1, le=1)] = 1
    id: str
    name: str
    ignored: bool = False
    anchors: Annotated[list[_AnchorRecord], Field(min_length=1)]
    negatives: list[_AnchorRecord] = []


def encode(person: Person) -> bytes:
    """Return the record of a person. Omit `negatives` if there are none, so that older versions can read it."""
    record = _PersonRecord(
        id=person.id,
        name=person.name,
        ignored=person.ignored,
        anchors=[_anchor_record(anchor) for anchor in person.anchors],
        negatives=[_anchor_record(anchor) for anchor in person.negatives],
    )
    return record.model_dump_json(indent=1, exclude=None if person.negatives else {"negatives"}).encode()


def decode(content: bytes, folder: Path, lengths: Mapping[str, int]) -> Person:
    """Return the person in a record.

    Args:
        content: the record.
        folder: where the record is; its name is the id of the person.
        lengths: length of the embeddings of each space, where known.

    Raises:
        ValueError: the record is damaged, or belongs to another folder; the message says what is wrong.
    """
    try:
        record = _PersonRecord.model_validate_json(content)
        checked_id(record.id)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"{'.'.join(map(str, problem['loc'])) or 'file'}: {problem['msg']}") from error
    except PeopleError as error:
        raise ValueError(str(error)) from error
    if record.id != folder.name:
        raise ValueError(f"its id is {record.id!r}")
    anchors, negatives = (_anchors(records, folder, lengths) for records in (record.anchors, record.negatives))
    return Person(record.id, record.name, anchors, record.ignored, negatives)


def _anchor_record(anchor: Anchor) -> _AnchorRecord:
    return _AnchorRecord(
        embedding=embedding_text.encode(anchor.embedding),
        space=anchor.space,
        source=anchor.source,
        crop=anchor.crop.name if anchor.crop else None,
    )


def _anchors(records: Sequence[_AnchorRecord], folder: Path, lengths: Mapping[str, int]) -> tuple[Anchor, ...]:
    found = []
    for record in records:
        embedding = embedding_text.decode(record.embedding)
        if len(embedding) != lengths.get(record.space, len(embedding)):
            raise ValueError(
                f"an embedding has {len(embedding)} numbers instead of the {lengths[record.space]} of {record.space}"
            )
        found.append(Anchor(embedding, record.space, record.source, folder / record.crop if record.crop else None))
    return tuple(found)
