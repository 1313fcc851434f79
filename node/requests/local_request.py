"""Requests that only the local socket takes -> small frozen types, as in `node.requests.request`."""

from dataclasses import dataclass
from typing import ClassVar, Self

from node.requests import fields as field
from node.requests.fields import Fields
from node.requests.verb import Verb


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
class ShowOverview:
    """Say about everybody how surely they are recognized, and when they were last seen."""

    verb: ClassVar = Verb.PEOPLE_OVERVIEW

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; it has no fields."""
        del fields
        return cls()


@dataclass(frozen=True, slots=True)
class ListTraces:
    """List what there is of somebody anywhere on the node.

    Attributes:
        person: the id.
    """

    verb: ClassVar = Verb.PEOPLE_TRACES
    person: str

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; see `parse`."""
        return cls(field.person(fields))


@dataclass(frozen=True, slots=True)
class TakeStill:
    """Show the view with the masks drawn on it, and what the node makes of each face."""

    verb: ClassVar = Verb.STILL

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; it has no fields."""
        del fields
        return cls()
