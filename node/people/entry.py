"""A person together with the contents of their files, on the way into the gallery."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from node.people import record as records
from node.people.person import Person

_NOTHING: Mapping[str, bytes] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A person and the files that belong to them.

    Attributes:
        person: who.
        crops: contents of crops by file name; read from where they are when they are asked for. Those that the person
            does not name are left out.
        record: the record, byte for byte; that of the person unless given.
        dates: the content of `photos.json`; empty for no file, None to leave it as it is.
        others: contents of further files, for a folder that is put back.
    """

    person: Person
    crops: Mapping[str, bytes] = field(default_factory=lambda: _NOTHING)
    record: bytes | None = None
    dates: bytes | None = None
    others: Mapping[str, bytes] = field(default_factory=lambda: _NOTHING)

    @property
    def crop_names(self) -> list[str]:
        """Names of the crops that belong to the person and come with this entry."""
        named = crop_names(self.person)
        return [name for name in self.crops if name in named]

    @property
    def content(self) -> bytes:
        """The record to be written."""
        return records.encode(self.person) if self.record is None else self.record


def crop_names(person: Person) -> set[str]:
    """Return the file names of all crops that a person refers to."""
    return {anchor.crop.name for anchor in (*person.anchors, *person.negatives) if anchor.crop}
