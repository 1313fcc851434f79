"""An action on people that can be undone <-> one line of JSON."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from node.clock import Stamp
from node.people import photo_dates, record
from node.people.stamp_record import StampRecord
from node.people.summary import Deed, Summary
from node.settings.section import ID_PATTERN

_Id = Annotated[str, Field(pattern=rf"^{ID_PATTERN}$")]
_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_MAX_VALUE = 64
_FileName = Annotated[str, Field(pattern=r"^[^/\x00]{1,255}$")]


class State(StrEnum):
    """Whether an action can be undone."""

    DONE = "done"
    UNDONE = "undone"
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True)
class PersonChange:
    """What an action did to one person.

    Attributes:
        person: the id.
        before: the files of the person that the action replaced or removed, by name; None if nobody had the id.
        after: the sha256 of the record, 64 hex digits; None if the person left the gallery.
        into: the id of the person into whom this one was merged; None without a merge.
    """

    person: str
    before: Mapping[str, bytes] | None
    after: str | None
    into: str | None = None

    @property
    def record(self) -> bytes | None:
        """The record before the action; None if nobody had the id."""
        return None if self.before is None else self.before[record.FILE]

    @property
    def dates(self) -> bytes:
        """The dates of the photos before the action; empty without any."""
        return (self.before or {}).get(photo_dates.FILE, b"")

    @property
    def others(self) -> Mapping[str, bytes]:
        """All other files."""
        own = (record.FILE, photo_dates.FILE)
        return {name: content for name, content in (self.before or {}).items() if name not in own}


@dataclass(frozen=True, slots=True)
class Action:
    """Something that the owner did.

    Attributes:
        id: six hex digits.
        at: when.
        summary: what.
        changes: what it did to each person.
        entries: ids of the entries of the inbox that it was about.
        shared: whether faces of one person became those of another.
        state: whether it can be undone.
    """

    id: str
    at: Stamp
    summary: Summary
    changes: tuple[PersonChange, ...]
    entries: tuple[str, ...] = ()
    shared: bool = False
    state: State = State.DONE

    @property
    def people(self) -> frozenset[str]:
        """The ids of all people whom it concerns."""
        return frozenset(change.person for change in self.changes)

    @property
    def size(self) -> int:
        """The bytes of all files that it keeps."""
        return sum(len(content) for change in self.changes for content in (change.before or {}).values())

    def emptied(self, state: State) -> "Action":
        """Return the same in another state, without the files."""
        return replace(self, state=state, changes=tuple(replace(change, before=None) for change in self.changes))


class _Change(BaseModel):
    person: _Id
    before: dict[_FileName, str] | None
    after: _Digest | None
    into: _Id | None


class _Line(BaseModel):
    v: Annotated[int, Field(ge=1, le=1)] = 1
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{6}$")]
    at: StampRecord
    deed: Deed
    values: dict[str, Annotated[str, Field(max_length=_MAX_VALUE)] | int]
    changes: list[_Change]
    entries: list[Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]]
    shared: bool
    state: State


def encode(action: Action) -> bytes:
    """Return an action as a line, without its end."""
    changes = [
        _Change(person=change.person, before=_encoded(change.before), after=change.after, into=change.into)
        for change in action.changes
    ]
    line = _Line(
        id=action.id,
        at=StampRecord.model_validate(action.at),
        deed=action.summary.deed,
        values=dict(action.summary.values),
        changes=changes,
        entries=list(action.entries),
        shared=action.shared,
        state=action.state,
    )
    return line.model_dump_json().encode()


def decode(content: bytes) -> Action:
    """Return the action in a line.

    Raises:
        ValueError: it is damaged, or of a later version.
    """
    try:
        line = _Line.model_validate_json(content)
    except ValidationError as error:
        raise ValueError(error.errors(include_url=False, include_input=False)[0]["msg"]) from error
    changes = tuple(
        PersonChange(change.person, _decoded(change.before), change.after, change.into) for change in line.changes
    )
    if any(change.before is not None and record.FILE not in change.before for change in changes):
        raise ValueError("a record is missing")
    done = Summary(line.deed, MappingProxyType(line.values))
    try:
        str(done)
    except (KeyError, IndexError) as error:
        raise ValueError("a value of its sentence is missing") from error
    return Action(line.id, line.at.stamp, done, changes, tuple(line.entries), line.shared, line.state)


def _encoded(files: Mapping[str, bytes] | None) -> dict[str, str] | None:
    if files is None:
        return None
    return {name: base64.b64encode(content).decode() for name, content in files.items()}


def _decoded(files: Mapping[str, str] | None) -> Mapping[str, bytes] | None:
    if files is None:
        return None
    if {".", ".."} & files.keys():
        raise ValueError("a file has no name")
    try:
        return MappingProxyType({name: base64.b64decode(text, validate=True) for name, text in files.items()})
    except binascii.Error as error:
        raise ValueError("a file is not base64") from error
