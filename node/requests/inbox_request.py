"""Requests about the inbox, which only the local socket takes -> small frozen types, as in `node.requests.request`."""

from dataclasses import dataclass
from typing import ClassVar, Self

from node.requests import fields as field
from node.requests.fields import Fields
from node.requests.verb import Verb
from node.review.actions import Assignment, Kind


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
class AssignEntries:
    """Decide about entries.

    Attributes:
        entries: the ids of the entries.
        assignment: what the owner decides.
    """

    verb: ClassVar = Verb.INBOX_ASSIGN
    entries: tuple[str, ...]
    assignment: Assignment

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; see `parse`."""
        kind = Kind(field.kind(fields))
        person = field.person(fields) if kind is Kind.PERSON or "id" in fields else None
        name = field.name(fields)
        if kind is Kind.NEW and name is None:
            raise ValueError("name: must be the display name of the new person")
        alike, force = field.flag(fields, "alike"), field.flag(fields, "force")
        return cls(field.entries(fields), Assignment(kind, person, name, alike=alike, force=force))


@dataclass(frozen=True, slots=True)
class ClearInbox:
    """Drop every entry of the inbox, for good."""

    verb: ClassVar = Verb.INBOX_CLEAR

    @classmethod
    def parse(cls, fields: Fields) -> Self:
        """Return the request; it has no fields."""
        del fields
        return cls()
