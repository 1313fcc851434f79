"""What an owner decides about entries of the inbox -> the gallery, so that it can be undone."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from node.domain import Image, Vector
from node.errors import PeopleError, Reason
from node.people.gallery import Gallery, Sample, nobody
from node.people.person import checked_id, checked_name, id_for
from node.people.reembedding import Embed
from node.people.summary import Deed, summary
from node.review.collector import Collector
from node.review.entry import ReviewEntry
from node.review.grouping import Compare, Compared, Group, grouped
from node.review.inbox import Keeping

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
    """What an owner decides about entries.

    Attributes:
        kind: what.
        person: the id of somebody who is enrolled, or of a new person; None to derive it from the name.
        name: the display name of a new person.
        alike: whether it holds for the whole group of each entry.
        force: whether faces are enrolled that are nearer to somebody else, or have failed a gate.
    """

    kind: Kind
    person: str | None = None
    name: str | None = None
    alike: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True)
class Decided:
    """What was done.

    Attributes:
        words: in words.
        person: the id of the person whom it concerns; None for nobody.
    """

    words: str
    person: str | None


class ReviewActions:
    """List the inbox and decide about its entries.

    Args:
        collector: the entries.
        gallery: the people.
        keep_crops: whether aligned faces are kept with people.
        embed: embeds an aligned face, for those that failed a gate.
    """

    def __init__(self, collector: Collector, gallery: Gallery, *, keep_crops: bool, embed: Embed) -> None:
        self._collector, self._inbox = collector, collector.inbox
        self._gallery, self._keep_crops, self._embed = gallery, keep_crops, embed

    @property
    def keeping(self) -> Keeping:
        """What is kept, and for how long."""
        return self._inbox.keeping

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
        sentence = f"{id_}: there is no such entry in the inbox any more: `facenode inbox` lists them"
        raise PeopleError(sentence, Reason.NO_ENTRY)

    def assign(self, given: Sequence[str], assignment: Assignment, compare: Compare) -> Decided:
        """Carry out what the owner decided, as one action. Return what was done.

        Args:
            given: ids of entries.
            assignment: what was decided.
            compare: returns who is nearest to a face, among the people known now.

        Raises:
            PeopleError: there is no such entry or person, a face is unusable or nearer to somebody else, or the folder
                cannot be written.
        """
        entries = self._chosen(given, compare, alike=assignment.alike)
        ids = [entry.id for entry in entries]
        self._collector.settle(ids)
        if assignment.kind is Kind.DROP:
            with self._gallery.changes.store.locked():
                self._gallery.changes.put(summary(Deed.DROPPED, entries=len(ids)), inbox_entries=ids)
            decided = Decided("dropped", None)
        elif assignment.kind is Kind.REJECT:
            decided = self._reject(entries, compare)
        else:
            decided = self._enroll(entries, assignment, compare)
        self._inbox.handle(ids, decided.person)
        return decided

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

    def _chosen(self, given: Sequence[str], compare: Compare, *, alike: bool) -> list[ReviewEntry]:
        """Return the entries with these ids, and then, if wanted, all others of their groups."""
        entries = [self.find(id_) for id_ in given]
        if not alike:
            return entries
        groups = (group.entries for group in self.groups(compare))
        wanted = set(given)
        members = [each.entry for group in groups if wanted & {each.entry.id for each in group} for each in group]
        return sorted(members, key=lambda entry: entry.id not in wanted)

    def _enroll(self, entries: Sequence[ReviewEntry], assignment: Assignment, compare: Compare) -> Decided:
        ids = [entry.id for entry in entries]
        known = {person.id: person for person in self._gallery.load()}
        space = self._inbox.keeping.same.space
        if assignment.kind is Kind.PERSON:
            person = checked_id(assignment.person or "")
            if person not in known:
                raise nobody(person)
            samples = self._samples(entries, force=assignment.force)
            self._check(samples, person, compare, force=assignment.force)
            self._gallery.add(person, None, space, samples, inbox_entries=ids)
            return Decided(f"added to {person}", person)
        named = {entry.person for entry in entries if entry.person in known}
        if assignment.kind is Kind.IGNORE and named:
            person = _only(named, entries[0])
            self._gallery.ignore(person, inbox_entries=ids)
            return Decided(f"{person} is ignored from now on", person)
        ignored = assignment.kind is Kind.IGNORE
        name = checked_name(assignment.name or ("Ignored" if ignored else ""))
        person = checked_id(assignment.person or id_for(name, known))
        if person in known:
            sentence = f"{person}: there is already somebody with this id: choose another"
            raise PeopleError(sentence, Reason.TAKEN, {"id": person})
        samples = self._samples(entries, force=assignment.force)
        self._check(samples, person, compare, force=assignment.force)
        self._gallery.add(person, name, space, samples, ignored=ignored, inbox_entries=ids)
        return Decided(f"enrolled as {person}{', who is ignored' if ignored else ''}", person)

    def _check(self, samples: Sequence[Sample], person: str, compare: Compare, *, force: bool) -> None:
        """Refuse faces that are recognized as somebody else.

        Raises:
            PeopleError: one of them is.
        """
        for sample in () if force else samples:
            nearest = compare(sample.embedding)
            if nearest is not None and nearest.margin >= 0 and nearest.person != person:
                about = {"id": nearest.person, "score": round(nearest.score, 2)}
                raise PeopleError(
                    f"{person}: the face is {nearest.person}'s ({nearest.score:.2f}): use --force to accept it",
                    Reason.NEARER,
                    about,
                )

    def _reject(self, entries: Sequence[ReviewEntry], compare: Compare) -> Decided:
        named = {entry.person or self._close_call(entry, compare) for entry in entries} - {None}
        if not named:
            sentence = f"{entries[0].id}: no name to reject: use drop, or assign the face to somebody"
            raise PeopleError(sentence, Reason.NO_NAME)
        person = _only(named, entries[0])
        samples = self._samples(entries, force=False)
        self._gallery.reject(person, self._inbox.keeping.same.space, samples[0], inbox_entries=[e.id for e in entries])
        return Decided(f"rejected: this face is not {person}'s", person)

    def _close_call(self, entry: ReviewEntry, compare: Compare) -> str | None:
        """Return the person whose name a stranger nearly got."""
        nearest = None if entry.embedding is None else compare(entry.embedding)
        return nearest.person if nearest and Compared(entry, nearest).uncertain else None

    def _samples(self, entries: Sequence[ReviewEntry], *, force: bool) -> list[Sample]:
        """Return the best faces of entries; with `force` those that failed a gate, if there is no other.

        Raises:
            PeopleError: no face is usable.
        """
        best = sorted((entry.best for entry in entries if entry.best), key=lambda face: -face.weight)
        if best:
            return [self._sample(face.embedding, face.crop) for face in best[:_MAX_FACES]]
        failed = [entry.failed for entry in entries if entry.failed is not None]
        if force and failed:
            return [self._sample(self._embed(crop), crop) for crop in failed[:_MAX_FACES]]
        flaws = sorted({flaw for entry in entries for flaw in entry.flaws})
        raise PeopleError(
            f"{entries[0].id}: no face of this visit is usable: {', '.join(flaws)}",
            Reason.UNUSABLE,
            {"flaws": [str(flaw) for flaw in flaws]},
        )

    def _sample(self, embedding: Vector, crop: Image) -> Sample:
        return Sample(embedding, "inbox", crop if self._keep_crops else None)


def _only(named: Collection[str | None], entry: ReviewEntry) -> str:
    """Return the one name that visits have.

    Raises:
        PeopleError: they have several.
    """
    names = sorted(name for name in named if name is not None)
    if len(names) > 1:
        raise PeopleError(
            f"{entry.id}: visits of this group were named {' and '.join(names)}: leave out --alike",
            Reason.SEVERAL_NAMES,
        )
    return names[0]
