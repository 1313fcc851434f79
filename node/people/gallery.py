"""Faces that the owner names -> the people who are known: add, reject, ignore, merge and re-embed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from node.domain import Image, Vector, counted
from node.errors import PeopleError, Reason
from node.people import crop as crops
from node.people import normalisation, record
from node.people.entry import Entry
from node.people.person import Anchor, Person, checked_id, checked_name, merged, without
from node.people.reembedding import Embed, log_results, normalised, read_crop, reembed
from node.people.scoring import Scoring
from node.people.store import Store
from node.people.summary import Deed, summary
from node.people.undo_log import UndoLog
from node.people.undoable import UndoableChanges
from node.vision.cohort import Cohort


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A face to enroll.

    Attributes:
        embedding: shape (n,), float32, unit length.
        source: where it comes from, such as the name of a photo.
        crop: the aligned face, shape (height, width, 3), uint8, RGB; None if it is not to be kept.
        turn: degrees clockwise by which its image was turned to make the face upright.
    """

    embedding: Vector
    source: str
    crop: Image | None
    turn: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """A change of one person.

    Attributes:
        before: the person before; None if they were not known.
        after: the person after.
    """

    before: Person | None
    after: Person

    @property
    def faces(self) -> int:
        """Number of faces added."""
        return len(self.after.anchors) - (len(self.before.anchors) if self.before else 0)

    @property
    def happened(self) -> bool:
        """Whether anything changed."""
        return self.before is None or record.encode(self.before) != record.encode(self.after)


class Gallery:
    """The people of one node.

    Args:
        folder: made when the first person is added.
        lengths: length of the embeddings of each space, where known; an entry with another length is damaged.
        scoring: how the embeddings of the network that runs are compared; None where nothing is compared.
        log: of the actions that can be undone; without one nothing can.

    Attributes:
        changes: through which people are changed.
    """

    def __init__(
        self,
        folder: Path,
        lengths: Mapping[str, int] = MappingProxyType({}),
        *,
        scoring: Scoring | None = None,
        log: UndoLog | None = None,
    ) -> None:
        self._store, self._scoring = Store(folder, lengths), scoring
        self.changes = UndoableChanges(self._store, log)

    def load(self) -> tuple[Person, ...]:
        """Return everybody, by id, with all that matching them needs.

        Leave out damaged entries, log them, and set them aside where possible.

        Raises:
            PeopleError: the folder cannot be read.
        """
        people = self._store.load()
        if self._scoring is None or self._scoring.cohort is None:
            return people
        return self._normalised(people, self._scoring.head.space, self._scoring.cohort)

    def revision(self) -> tuple[int, ...]:
        """Return a value that differs after any change, so that a running node notices changes."""
        return self._store.revision()

    def identity(self) -> tuple[int, ...]:
        """Return a value that differs if another folder is in the place of the gallery's; empty if there is none."""
        return self._store.identity()

    def gone(self, person: str) -> bool:
        """Return whether nothing of a person is stored, neither readable nor damaged."""
        return not self._store.stored(person)

    def add(  # noqa: PLR0913 - who, how they are called and marked, their faces, and where these come from
        self,
        person: str,
        name: str | None,
        space: str,
        samples: Sequence[Sample],
        *,
        ignored: bool | None = None,
        inbox_entries: Sequence[str] = (),
    ) -> Person:
        """Add anchors to a person, who is created if not yet known; a face is never added twice.

        A face that was rejected before no longer is: the owner's latest decision counts.

        Args:
            person: the id.
            name: display name; unless given, the former one, or the id.
            space: of the embeddings.
            samples: the faces, at least one.
            ignored: whether to publish no events about this person; as before unless given.
            inbox_entries: the entries of the inbox that the faces come from.

        Raises:
            PeopleError: the id or the name is not valid, there is no sample, or the folder cannot be written.
        """
        checked_id(person)
        if name is not None:
            checked_name(name)
        if not samples:
            raise PeopleError(f"{person}: no usable face to add")
        anchors, files = _anchors(samples, space)
        with self._store.locked():
            known = self._store.find(person) or Person(person, person, ())
            changed = replace(
                known,
                name=name or known.name,
                anchors=merged(known.anchors, anchors),
                negatives=without(known.negatives, anchors),
                ignored=known.ignored if ignored is None else ignored,
            )
            new = len(changed.anchors) - len(known.anchors)
            done = summary(Deed.ADDED if known.anchors else Deed.ENROLLED, person=person, faces=new)
            self.changes.put(done, [Entry(changed, files)], inbox_entries=inbox_entries)
        return changed

    def reject(self, person: str, space: str, sample: Sample, *, inbox_entries: Sequence[str] = ()) -> Person:
        """Store a face as one that does not show a person: a negative anchor.

        If it was enrolled as theirs, it no longer is: the owner's latest decision counts.

        Raises:
            PeopleError: nobody has this id, it is the only known face of the person, or the folder cannot be written.
        """
        negatives, files = _anchors([sample], space)
        with self._store.locked():
            known = self._known(person)
            anchors = without(known.anchors, negatives)
            if not anchors:
                raise PeopleError(
                    f"{person}: this is the only known face: use facenode people remove {person}",
                    Reason.ONLY_PHOTO,
                    {"id": person},
                )
            changed = replace(known, anchors=anchors, negatives=merged(known.negatives, negatives))
            done = summary(Deed.REJECTED, person=person)
            self.changes.put(done, [Entry(changed, files)], inbox_entries=inbox_entries)
        return changed

    def ignore(self, person: str, *, on: bool = True, inbox_entries: Sequence[str] = ()) -> Person:
        """Mark a person as ignored, that is recognized and counted but never in an event, or remove the mark.

        Raises:
            PeopleError: nobody has this id, or the folder cannot be written.
        """
        with self._store.locked():
            known = self._known(person)
            changed = replace(known, ignored=on)
            if known.ignored != on or inbox_entries:
                done = summary(Deed.IGNORED if on else Deed.NOTICED, person=person)
                self.changes.put(done, [Entry(changed)], inbox_entries=inbox_entries)
        return changed

    def reembed(self, space: str, embed: Embed) -> int:
        """Embed the anchors of other spaces again from their crops. Return how many.

        An anchor whose crop is missing or damaged is kept but not compared, until a network of its space is used again.
        A log line says so and what to do.

        Args:
            space: of the network.
            embed: the network; accepts crops of any size.

        Raises:
            PeopleError: the folder cannot be read or written.
        """
        if all(anchor.space == space for person in self.load() for anchor in (*person.anchors, *person.negatives)):
            return 0
        with self._store.locked():
            results = [reembed(person, space, read_crop, embed) for person in self._store.load()]
            self._store.put([Entry(result.person) for result in results if result.count])
        log_results(results)
        return sum(result.count for result in results)

    def merge(self, entries: Sequence[Entry]) -> tuple[Change, ...]:
        """Add people and faces of another gallery, all of them or none; their names and marks replace those here.

        Raises:
            PeopleError: the folder cannot be read or written.
        """
        with self._store.locked():
            changes, changed = self._compare(entries, _joined)
            self.changes.put(summary(Deed.IMPORTED, people=len(entries)), changed)
        return changes

    def replace_everybody(self, entries: Sequence[Entry]) -> tuple[tuple[Change, ...], tuple[str, ...]]:
        """Know exactly the people and faces of another gallery, or change nothing.

        Returns:
            What changed about its people, and the ids of those who are not known any more.

        Raises:
            PeopleError: the folder cannot be read or written.
        """
        with self._store.locked():
            changes, changed = self._compare(entries, lambda _ours, theirs: theirs)
            ids = {entry.person.id for entry in entries}
            gone = tuple(person.id for person in self._store.load() if person.id not in ids)
            self.changes.put(summary(Deed.REPLACED, people=len(ids)), changed, dict.fromkeys(gone))
        return changes, gone

    def _compare(
        self, entries: Sequence[Entry], join: Callable[[Person, Person], Person]
    ) -> tuple[tuple[Change, ...], list[Entry]]:
        """Return what people of another gallery change here, and those to be written."""
        changes, changed = [], []
        for entry in entries:
            ours = self._store.find(entry.person.id)
            after = entry.person if ours is None else join(ours, entry.person)
            changes.append(Change(ours, after))
            if changes[-1].happened:
                changed.append(replace(entry, person=after))
        return tuple(changes), changed

    def _normalised(self, people: Sequence[Person], space: str, cohort: Cohort) -> tuple[Person, ...]:
        """Return people with what is usual for their anchors: as their files have it, else computed and kept."""
        found: dict[str, Person] = {}
        for person in people:
            content = self._store.read_computed(person.id, normalisation.FILE, normalisation.MAX_BYTES)
            if (known := normalisation.read(person, content, space, cohort)) is not None:
                found[person.id] = known
        made = normalisation.compute([person for person in people if person.id not in found], space, cohort)
        if made:
            contents = [(person, normalisation.encode(person, space, cohort)) for person in made]
            self._store.keep_computed(normalisation.FILE, contents)
        found |= {person.id: person for person in made}
        return tuple(found[person.id] for person in people)

    def _known(self, person: str) -> Person:
        found = self._store.find(checked_id(person))
        if found is None:
            raise nobody(person)
        return found


def describe(person: Person) -> str:
    """Return the number of faces of a person in words."""
    words = counted(len(person.anchors), "face")
    return f"{words}, {len(person.negatives)} rejected" if person.negatives else words


def nobody(person: str) -> PeopleError:
    """Return the error that nobody has an id."""
    sentence = f"{person}: nobody is enrolled under this id: `facenode people list` shows everybody"
    return PeopleError(sentence, Reason.NOBODY, {"id": person})


def _anchors(samples: Sequence[Sample], space: str) -> tuple[tuple[Anchor, ...], dict[str, bytes]]:
    """Return samples as anchors without duplicates, and the files of their crops."""
    anchors, files = [], {}
    for sample in samples:
        path = None
        if sample.crop is not None:
            name, content = crops.encode(sample.crop)
            files[name], path = content, Path(name)
        anchors.append(Anchor(normalised(sample.embedding), space, sample.source, path))
    return merged((), tuple(anchors)), files


def _joined(ours: Person, theirs: Person) -> Person:
    anchors = merged(without(ours.anchors, theirs.negatives), theirs.anchors)
    negatives = merged(without(ours.negatives, theirs.anchors), theirs.negatives)
    return replace(ours, name=theirs.name, ignored=theirs.ignored, anchors=anchors, negatives=negatives)
