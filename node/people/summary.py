"""What an owner did -> a kind with its values, which others can put into their own words, and a sentence of ours."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from node.domain import counted


class Deed(StrEnum):
    """What can be done and undone."""

    ADDED = "added"
    ENROLLED = "enrolled"
    REJECTED = "rejected"
    IGNORED = "ignored"
    NOTICED = "noticed"
    RENAMED = "renamed"
    MERGED = "merged"
    PHOTO_REMOVED = "photo_removed"
    PHOTO_MOVED = "photo_moved"
    IMPORTED = "imported"
    REPLACED = "replaced"
    DROPPED = "dropped"


_SENTENCES = MappingProxyType(
    {
        Deed.ADDED: "added to {person}: {faces}",
        Deed.ENROLLED: "enrolled {person}: {faces}",
        Deed.REJECTED: "rejected a face for {person}",
        Deed.IGNORED: "ignored: {person}",
        Deed.NOTICED: "no longer ignored: {person}",
        Deed.RENAMED: "renamed {person}: {before} is now {after}",
        Deed.MERGED: "merged {person} into {into}",
        Deed.PHOTO_REMOVED: "removed a photo of {person}",
        Deed.PHOTO_MOVED: "moved a photo from {person} to {to}",
        Deed.IMPORTED: "imported {people}",
        Deed.REPLACED: "replaced everybody by {people} of a file",
        Deed.DROPPED: "dropped from the inbox: {entries}",
    }
)
_NOUNS = MappingProxyType({"faces": ("face", "faces"), "people": ("person", "people"), "entries": ("visit", "visits")})


@dataclass(frozen=True, slots=True)
class Summary:
    """What was done.

    Attributes:
        deed: the kind.
        values: ids, names and numbers that its sentence needs.
    """

    deed: Deed
    values: Mapping[str, str | int]

    def __str__(self) -> str:
        """Return the sentence."""
        words = {
            key: counted(value, *_NOUNS[key]) if isinstance(value, int) else value for key, value in self.values.items()
        }
        return _SENTENCES[self.deed].format(**words)


def summary(deed: Deed, **values: str | int) -> Summary:
    """Return what was done, with the values of its sentence."""
    return Summary(deed, MappingProxyType(values))
