"""The payload of `request/<verb>` -> a small frozen request, checked, and the answer that it gets.

Each verb has one type, whose fields are exactly what that verb needs: a handler never checks them again. `parse` is the
only way in, for MQTT and for the local socket.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self, get_args

from node.requests import fields as field
from node.requests.fields import Fields
from node.requests.inbox_request import AssignEntries, ClearInbox, ListInbox, ShowEntry
from node.requests.local_request import (
    Hello,
    ListActions,
    ListPhotos,
    ListTraces,
    MergePeople,
    MovePhoto,
    RemovePhoto,
    ShowOverview,
    ShowPhoto,
    TakeStill,
    UndoAction,
)
from node.requests.protocol import NO_SUCH_REQUEST
from node.requests.verb import Verb

_DEFAULT_LOOK_S = 3.0


@dataclass(frozen=True, slots=True)
class Check:
    """Report how the node is."""

    verb: ClassVar = Verb.CHECK

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; it has no fields."""
        del fields
        return cls()


@dataclass(frozen=True, slots=True)
class TakeSnapshot:
    """Send a picture.

    Attributes:
        event: the event whose picture is sent again; None for what is in view now.
    """

    verb: ClassVar = Verb.SNAPSHOT
    event: str | None = None

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; see `parse`."""
        return cls(field.event(fields))


@dataclass(frozen=True, slots=True)
class SetPrivacy:
    """Switch privacy mode: while it is on, no frame is looked at."""

    verb: ClassVar = Verb.PRIVACY
    on: bool

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; see `parse`."""
        return cls(field.state(fields))


@dataclass(frozen=True, slots=True)
class SetRecognition:
    """Switch recognition: while it is off, faces are counted but not recognized."""

    verb: ClassVar = Verb.RECOGNITION
    on: bool

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; see `parse`."""
        return cls(field.state(fields))


@dataclass(frozen=True, slots=True)
class Snooze:
    """Silence alerts.

    Attributes:
        for_s: seconds; 0 ends the silence.
        rule: the id of the alert rule; None for all rules.
    """

    verb: ClassVar = Verb.SNOOZE
    for_s: float
    rule: str | None = None

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; see `parse`."""
        return cls(field.snooze_s(fields), field.rule(fields))


@dataclass(frozen=True, slots=True)
class ListPeople:
    """List who is enrolled."""

    verb: ClassVar = Verb.PEOPLE_LIST

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; it has no fields."""
        del fields
        return cls()


@dataclass(frozen=True, slots=True)
class EnrollPerson:
    """Enroll somebody.

    Attributes:
        person: the id.
        name: the display name; None leaves it as it is.
        event: the event whose face is enrolled; None for whoever is in view.
        for_s: seconds for which the node waits for somebody in view, and then looks at them.
        force: whether to accept a face that is nearer to somebody else.
    """

    verb: ClassVar = Verb.PEOPLE_ENROLL
    person: str
    name: str | None = None
    event: str | None = None
    for_s: float = _DEFAULT_LOOK_S
    force: bool = False

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; see `parse`."""
        for_s = field.look_s(fields, _DEFAULT_LOOK_S)
        return cls(field.person(fields), field.name(fields), field.event(fields), for_s, field.flag(fields, "force"))


@dataclass(frozen=True, slots=True)
class RenamePerson:
    """Change somebody's display name.

    Attributes:
        person: the id.
        name: the new name.
    """

    verb: ClassVar = Verb.PEOPLE_RENAME
    person: str
    name: str

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; see `parse`."""
        name = field.name(fields)
        if name is None:
            raise ValueError("name: must be the new display name")
        return cls(field.person(fields), name)


@dataclass(frozen=True, slots=True)
class IgnorePerson:
    """Recognize somebody but publish no events about them.

    Attributes:
        person: the id.
        on: False publishes events about them again.
        name: the display name; None leaves it as it is.
        event: the event whose face is enrolled first; None for somebody who is enrolled.
        force: whether to accept a face that is nearer to somebody else.
    """

    verb: ClassVar = Verb.PEOPLE_IGNORE
    person: str
    on: bool = True
    name: str | None = None
    event: str | None = None
    force: bool = False

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; see `parse`."""
        on = fields.get("state") is None or field.state(fields)
        return cls(field.person(fields), on, field.name(fields), field.event(fields), field.flag(fields, "force"))


@dataclass(frozen=True, slots=True)
class RemovePerson:
    """Erase somebody."""

    verb: ClassVar = Verb.PEOPLE_REMOVE
    person: str

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; see `parse`."""
        return cls(field.person(fields))


@dataclass(frozen=True, slots=True)
class RejectFace:
    """Keep a face from being taken for somebody again.

    Attributes:
        person: the id of the person whom the event named.
        event: the event.
    """

    verb: ClassVar = Verb.PEOPLE_REJECT
    person: str
    event: str

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; see `parse`."""
        event = field.event(fields)
        if event is None:
            raise ValueError("event: must be the id of the event that named the wrong person")
        return cls(field.person(fields), event)


@dataclass(frozen=True, slots=True)
class Restart:
    """Restart the process."""

    verb: ClassVar = Verb.RESTART

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; it has no fields."""
        del fields
        return cls()


Request = (
    Check
    | TakeSnapshot
    | SetPrivacy
    | SetRecognition
    | Snooze
    | ListPeople
    | EnrollPerson
    | RenamePerson
    | RejectFace
    | IgnorePerson
    | RemovePerson
    | Restart
    | Hello
    | ListPhotos
    | ShowPhoto
    | RemovePhoto
    | MovePhoto
    | MergePeople
    | ListActions
    | UndoAction
    | ShowOverview
    | ListTraces
    | ListInbox
    | ShowEntry
    | AssignEntries
    | ClearInbox
    | TakeStill
)

TYPES: Mapping[str, type[Request]] = {kind.verb: kind for kind in get_args(Request)}
"""The type of each verb."""


def parse(verb: str, fields: Fields, offered: Sequence[Verb] = tuple(Verb)) -> Request:
    """Return the request that a payload makes.

    Args:
        verb: what is requested.
        fields: the payload; unknown fields are ignored.
        offered: the verbs that may be requested.

    Raises:
        ValueError: the verb does not exist, or a field is missing or wrong; the message says which.
    """
    if verb not in offered:
        raise ValueError(f"{NO_SUCH_REQUEST}: choose one of {', '.join(offered)}")
    return TYPES[verb].parse(fields)
