"""Durations, and when they were saved -> JSON, and back: version 1; moments in seconds of the boot-time clock."""

from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from node.domain import Instant
from node.events.durations import NOTHING, Durations
from node.settings.section import ID_PATTERN
from node.system.moments import UtcDatetime

MAX_BYTES = 1 << 20
"""Most bytes of a file; `MAX_VISITS` visits take less than half of it, and it may hold them twice."""
MAX_VISITS = 1000
"""Most visits that are kept. Beyond them, whoever left first may be reported again."""

_Id = Annotated[str, Field(pattern=rf"^{ID_PATTERN}$")]
_Number = Annotated[float, Field(ge=-1e12, le=1e12)]


@dataclass(frozen=True, slots=True)
class Record:
    """Durations as they are kept.

    Attributes:
        durations: `mono_s` of each moment is in seconds of the boot-time clock.
        at: when they were saved, likewise.
        boot: the id of the boot; empty if unknown.
        clean: whether the process saved them at its end.
        put: the number of the put to the outbox with whose messages they begin to hold; 0 if they hold in any case.
        before: what held before these messages.
    """

    durations: Durations
    at: Instant
    boot: str
    clean: bool
    put: int = 0
    before: Durations = NOTHING

    def __bool__(self) -> bool:
        """Return whether there is anything to keep."""
        return bool(self.durations or self.before)

    def holding(self, puts: int) -> Durations:
        """Return what holds if the outbox has had so many puts."""
        return self.durations if puts >= self.put else self.before

    def names(self, person: str) -> bool:
        """Return whether a person is named."""
        return self.durations.names(person) or self.before.names(person)

    def without(self, person: str) -> "Record":
        """Return the same without a person."""
        return replace(self, durations=self.durations.without(person), before=self.before.without(person))


class _Model(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class _Moment(_Model):
    wall: UtcDatetime
    mono_s: _Number
    synced: bool


class _Box(_Model):
    left: _Number
    top: _Number
    width: _Number
    height: _Number


class _Face(_Model):
    seen: _Moment
    track: Annotated[int, Field(ge=1, lt=1 << 53)]
    box: _Box
    score: Annotated[float, Field(ge=-1, le=1)]


class _Visit(_Model):
    person: _Id | None
    since: _Moment
    left: _Moment | None
    gone: _Moment | None
    reported: bool
    face: _Face | None


class _Rule(_Model):
    rule: _Id
    when: str
    active: bool
    raised: _Moment | None
    held_since: _Moment | None
    person: _Id | None


class _Durations(_Model):
    visits: Annotated[list[_Visit], Field(max_length=MAX_VISITS)]
    rules: Annotated[list[_Rule], Field(max_length=1000)]


class _File(_Model):
    v: Annotated[int, Field(ge=1, le=1)] = 1
    boot: str
    at: _Moment
    clean: bool
    durations: _Durations
    put: Annotated[int, Field(ge=0, lt=1 << 53)] = 0
    before: _Durations = _Durations(visits=[], rules=[])


_DURATIONS, _INSTANT = TypeAdapter(Durations), TypeAdapter(Instant)


def encode(record: Record) -> bytes:
    """Return the content of the file."""
    file = _File(
        boot=record.boot,
        at=_Moment.model_validate(record.at),
        clean=record.clean,
        durations=_Durations.model_validate(_bounded(record.durations)),
        put=record.put,
        before=_Durations.model_validate(_bounded(record.before)),
    )
    return file.model_dump_json().encode()


def decode(content: bytes) -> Record:
    """Return what the content of the file says.

    Raises:
        ValueError: it is damaged, or of a later version; the message says what is wrong.
    """
    try:
        file = _File.model_validate_json(content)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"{'.'.join(map(str, problem['loc'])) or 'file'}: {problem['msg']}") from error
    durations, before = (_DURATIONS.validate_python(each.model_dump()) for each in (file.durations, file.before))
    at = _INSTANT.validate_python(file.at.model_dump())
    return Record(durations, at, file.boot, file.clean, file.put, before)


def _bounded(durations: Durations) -> Durations:
    """Return the same without the visits that are too many."""
    visits = sorted(durations.visits, key=lambda visit: visit.gone.mono_s if visit.gone else float("inf"))
    return Durations(tuple(visits[-MAX_VISITS:]), durations.rules)
