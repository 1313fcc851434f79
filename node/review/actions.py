"""What an owner decides about entries of the inbox -> the gallery, so that it can be undone."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from node.errors import PeopleError
from node.people.gallery import Gallery, Sample, nobody
from node.people.person import checked_id, checked_name, id_for
from node.review.collector import Collector
from node.review.entry import ReviewEntry
from node.review.grouping import Compare, Compared, Group, grouped

_MAX_FACES = 5
"""Most faces that are enrolled at once, the best."""


class Kind(StrEnum):
    """What an owner can decide."""

    PERSON = "person"
    NEW = "new"
    IGNORE = "ignore"
    REJECT = "reject"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Assignment:
    """What an owner decides about an entry.

    Attributes:
        kind: what.
        person: the id of somebody who is enrolled, or of a new person; None to derive it from the name.
        name: the display name of a new person.
        alike: whether it holds for the whole group of the entry.
    """

    kind: Kind
    person: str | None = None
    name: str | None = None
    alike: bool = False


class ReviewActions:
    """List the inbox and decide about its entries.

    Args:
        collector: the entries.
        gallery: the people.
        keep_crops: whether aligned faces are kept with people.
    """

    def __init__(self, collector: Collector, gallery: Gallery, *, keep_crops: bool) -> None:
        self._collector, self._inbox = collector, collector.inbox
        self._gallery, self._keep_crops = gallery, keep_crops

    def groups(self, compare: Compare) -> tuple[Group, ...]:
        """Return the entries in groups, the most useful first."""
        return grouped(self._collector.entries(), compare, self._inbox.keeping.same)

    def find(self, id_: str) -> ReviewEntry:
        """Return an entry that nobody has decided about, also of a visit that goes on.

        Raises:
            PeopleError: there is none with this id.
        """
        for entry in self._collector.entries():
            if entry.id == id_:
                return entry
        raise PeopleError(f"{id_}: there is no such entry in the inbox any more: `facenode inbox` lists them")

    def assign(self, id_: str, assignment: Assignment, compare: Compare) -> str:
        """Carry out what the owner decided. Return it in words.

        Raises:
            PeopleError: there is no such entry or person, the face is unusable, or the folder cannot be written.
        """
        entries = self._members(id_, compare) if assignment.alike else [self.find(id_)]
        ids = [entry.id for entry in entries]
        self._collector.settle(ids)
        if assignment.kind is Kind.DROP:
            with self._gallery.changes.store.locked():
                self._gallery.changes.put("dropped from the inbox", inbox_entries=ids)
            person, words = None, "dropped"
        elif assignment.kind is Kind.REJECT:
            person, words = self._reject(entries, compare)
        else:
            person, words = self._enroll(entries, assignment)
        self._inbox.handle(ids, person)
        return words

    def restore(self, ids: Sequence[str]) -> None:
        """Show entries again whose decision was undone."""
        self._inbox.restore(ids)

    def clear(self) -> None:
        """Drop every entry, for good.

        Raises:
            PeopleError: a file cannot be removed.
        """
        try:
            self._collector.clear()
        except OSError as error:
            raise PeopleError(f"{error.filename}: {error.strerror}: storage.dir must be writable") from error

    def _members(self, id_: str, compare: Compare) -> list[ReviewEntry]:
        self.find(id_)
        groups = (group.entries for group in self.groups(compare))
        return next([each.entry for each in group] for group in groups if id_ in {each.entry.id for each in group})

    def _enroll(self, entries: Sequence[ReviewEntry], assignment: Assignment) -> tuple[str, str]:
        samples = self._samples(entries)
        ids = [entry.id for entry in entries]
        known = {person.id: person for person in self._gallery.load()}
        space = self._inbox.keeping.same.space
        if assignment.kind is Kind.PERSON:
            person = checked_id(assignment.person or "")
            if person not in known:
                raise nobody(person)
            self._gallery.add(person, None, space, samples, inbox_entries=ids)
            return person, f"added to {person}"
        if assignment.kind is Kind.IGNORE and entries[0].person in known:
            person = entries[0].person
            self._gallery.ignore(person, inbox_entries=ids)
            return person, f"{person} is ignored from now on"
        ignored = assignment.kind is Kind.IGNORE
        name = checked_name(assignment.name or ("Ignored" if ignored else ""))
        person = checked_id(assignment.person or id_for(name, known))
        if person in known:
            raise PeopleError(f"{person}: there is already somebody with this id: choose another")
        self._gallery.add(person, name, space, samples, ignored=ignored, inbox_entries=ids)
        return person, f"enrolled as {person}{', who is ignored' if ignored else ''}"

    def _reject(self, entries: Sequence[ReviewEntry], compare: Compare) -> tuple[str, str]:
        named = {entry.person or self._close_call(entry, compare) for entry in entries} - {None}
        if len(named) != 1:
            raise PeopleError(f"{entries[0].id}: no name to reject: use drop, or assign the face to somebody")
        (person,) = (each for each in named if each is not None)
        samples = self._samples(entries)
        self._gallery.reject(person, self._inbox.keeping.same.space, samples[0], inbox_entries=[e.id for e in entries])
        return person, f"rejected: this face is not {person}'s"

    def _close_call(self, entry: ReviewEntry, compare: Compare) -> str | None:
        """Return the person whose name a stranger nearly got."""
        nearest = None if entry.embedding is None else compare(entry.embedding)
        return nearest.person if nearest and Compared(entry, nearest).uncertain else None

    def _samples(self, entries: Sequence[ReviewEntry]) -> list[Sample]:
        """Return the best faces of entries.

        Raises:
            PeopleError: no face is usable.
        """
        best = sorted((entry.best for entry in entries if entry.best), key=lambda face: -face.weight)
        if not best:
            flaws = ", ".join(sorted({flaw for entry in entries for flaw in entry.flaws}))
            raise PeopleError(f"{entries[0].id}: no face of this visit is usable: {flaws}")
        return [Sample(face.embedding, "inbox", face.crop if self._keep_crops else None) for face in best[:_MAX_FACES]]
