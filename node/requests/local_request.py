"""Requests that only the local socket takes -> small frozen types, as in `node.requests.request`."""

from dataclasses import dataclass
from typing import ClassVar, Self

from node.requests import fields as field
from node.requests.fields import Fields
from node.requests.verb import Verb
from node.review.actions import Assignment, Kind


@dataclass(frozen=True, slots=True)
class Hello:
    """Say which version of the protocol the node speaks, and what it can be asked."""

    verb: ClassVar = Verb.HELLO

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; it has no fields."""
        del fields
        return cls()


@dataclass(frozen=True, slots=True)
class ListPhotos:
    """List the photos of somebody.

    Attributes:
        person: the id.
    """

    verb: ClassVar = Verb.PEOPLE_PHOTOS
    person: str

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; see `parse`."""
        return cls(field.person(fields))


@dataclass(frozen=True, slots=True)
class ShowPhoto:
    """Show the aligned face of a photo.

    Attributes:
        person: the id.
        photo: the id of the photo.
    """

    verb: ClassVar = Verb.PEOPLE_PHOTO
    person: str
    photo: str

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; see `parse`."""
        return cls(field.person(fields), field.photo(fields))


@dataclass(frozen=True, slots=True)
class RemovePhoto:
    """Remove a photo of somebody.

    Attributes:
        person: the id.
        photo: the id of the photo.
    """

    verb: ClassVar = Verb.PEOPLE_PHOTO_REMOVE
    person: str
    photo: str

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; see `parse`."""
        return cls(field.person(fields), field.photo(fields))


@dataclass(frozen=True, slots=True)
class MovePhoto:
    """Move a photo from one person to another.

    Attributes:
        person: the id of the person who has it.
        photo: the id of the photo.
        to: the id of the other person.
    """

    verb: ClassVar = Verb.PEOPLE_PHOTO_MOVE
    person: str
    photo: str
    to: str

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; see `parse`."""
        return cls(field.person(fields), field.photo(fields), field.person(fields, "to"))


@dataclass(frozen=True, slots=True)
class MergePeople:
    """Merge a person into another.

    Attributes:
        person: the id that becomes free.
        into: the id of the person who stays.
    """

    verb: ClassVar = Verb.PEOPLE_MERGE
    person: str
    into: str

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; see `parse`."""
        return cls(field.person(fields), field.person(fields, "into"))


@dataclass(frozen=True, slots=True)
class ListActions:
    """List what can be undone."""

    verb: ClassVar = Verb.PEOPLE_UNDO_LIST

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; it has no fields."""
        del fields
        return cls()


@dataclass(frozen=True, slots=True)
class UndoAction:
    """Undo an action.

    Attributes:
        action: the id of the action.
    """

    verb: ClassVar = Verb.PEOPLE_UNDO
    action: str

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; see `parse`."""
        return cls(field.action(fields))


@dataclass(frozen=True, slots=True)
class ListInbox:
    """List the inbox."""

    verb: ClassVar = Verb.INBOX_LIST

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; it has no fields."""
        del fields
        return cls()


@dataclass(frozen=True, slots=True)
class ShowEntry:
    """Show the face and the picture of an entry.

    Attributes:
        entry: the id of the entry.
    """

    verb: ClassVar = Verb.INBOX_SHOW
    entry: str

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; see `parse`."""
        return cls(field.entry(fields))


@dataclass(frozen=True, slots=True)
class AssignEntry:
    """Decide about an entry.

    Attributes:
        entry: the id of the entry.
        assignment: what the owner decides.
    """

    verb: ClassVar = Verb.INBOX_ASSIGN
    entry: str
    assignment: Assignment

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; see `parse`."""
        kind = Kind(field.kind(fields))
        person = field.person(fields) if kind is Kind.PERSON or "id" in fields else None
        name = field.name(fields)
        if kind is Kind.NEW and name is None:
            raise ValueError("name: must be the display name of the new person")
        return cls(field.entry(fields), Assignment(kind, person, name, field.flag(fields, "alike")))


@dataclass(frozen=True, slots=True)
class ClearInbox:
    """Drop every entry of the inbox, for good."""

    verb: ClassVar = Verb.INBOX_CLEAR

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; it has no fields."""
        del fields
        return cls()
