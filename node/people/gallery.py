"""Faces that the owner names -> the people who are known: what is added, rejected, ignored, renewed and removed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from node.domain import Image, Vector
from node.errors import PeopleError
from node.people import crop as crops
from node.people import record
from node.people.person import Anchor, Person, checked_id, checked_name, counted, merged, without
from node.people.reembedding import Embed, normalised, read_crop, renewed, report
from node.people.store import Entry, Store


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A face to be enrolled.

    Attributes:
        embedding: shape (n,), float32, unit length.
        source: where it came from, such as the name of a photo.
        crop: the aligned face, shape (height, width, 3), uint8, RGB, or None where it is not to be kept.
    """

    embedding: Vector
    source: str
    crop: Image | None


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What was done to somebody.

    Attributes:
        before: as they were, None if they were not known.
        after: as they are.
    """

    before: Person | None
    after: Person

    @property
    def faces(self) -> int:
        """How many faces more are known."""
        return len(self.after.anchors) - (len(self.before.anchors) if self.before else 0)

    @property
    def happened(self) -> bool:
        """Whether anything is different."""
        return self.before is None or record.encode(self.before) != record.encode(self.after)


class Gallery:
    """The people of one node.

    Args:
        folder: made when somebody is first added.
        lengths: of the embeddings of a space, where that is known: an entry with others is damaged.
    """

    def __init__(self, folder: Path, lengths: Mapping[str, int] = MappingProxyType({})) -> None:
        self._folder = folder
        self._store = Store(folder, lengths)

    def load(self) -> tuple[Person, ...]:
        """Return everybody, by id. An entry that is damaged is set aside and said; the others live.

        Raises:
            PeopleError: the folder cannot be read.
        """
        return self._store.load()

    def revision(self) -> tuple[int, ...]:
        """Return a value that differs after any change, so that a running node sees one."""
        return self._store.revision()

    def add(
        self, person: str, name: str | None, space: str, samples: Sequence[Sample], *, ignored: bool | None = None
    ) -> Person:
        """Add anchors to somebody, who is made if not yet known; a face already there is not added twice.

        A face that was rejected before is no longer: the owner's latest word counts.

        Args:
            person: the id.
            name: for people to read; the former one, or the id, unless given.
            space: that of the embeddings.
            samples: the faces, one at the least.
            ignored: whether events of this person are wanted; as before unless given.

        Raises:
            PeopleError: the id or the name is none, there is no sample, or the folder cannot be written.
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
            self._store.put([Entry(changed, _belonging(files, changed))])
        return changed

    def reject(self, person: str, space: str, sample: Sample) -> Person:
        """Keep a face as one that is not somebody's: a negative anchor.

        If it was enrolled as theirs, it no longer is: the owner's latest word counts.

        Raises:
            PeopleError: nobody has this id, it is the only face known of them, or the folder cannot be written.
        """
        negatives, files = _anchors([sample], space)
        with self._store.locked():
            known = self._known(person)
            anchors = without(known.anchors, negatives)
            if not anchors:
                raise PeopleError(f"{person}: this is the only face known of them: facenode people remove {person}")
            changed = replace(known, anchors=anchors, negatives=merged(known.negatives, negatives))
            self._store.put([Entry(changed, _belonging(files, changed))])
        return changed

    def ignore(self, person: str, *, on: bool = True) -> Person:
        """Mark somebody as ignored, recognised and counted but never an event, or take the mark away.

        Raises:
            PeopleError: nobody has this id, or the folder cannot be written.
        """
        with self._store.locked():
            known = self._known(person)
            changed = replace(known, ignored=on)
            if known.ignored != on:
                self._store.put([Entry(changed)])
        return changed

    def list_stored(self, person: str) -> tuple[str, ...]:
        """Return a line for each thing on the disk that `remove` would erase.

        Raises:
            PeopleError: nobody has this id, or the folder cannot be read.
        """
        known, folder = self._store.find(checked_id(person)), self._folder / person
        lines = (
            []
            if known is None
            else [f"{folder}: {describe(known)}, {counted(len(list(folder.glob('*.png'))), 'crop')}"]
        )
        lines += [f"{path}: a damaged entry that was set aside" for path in self._store.damaged(person)]
        if not lines:
            raise _nobody(person)
        return tuple(lines)

    def remove(self, person: str) -> None:
        """Erase somebody: their record, their crops, and what was set aside of them.

        Raises:
            PeopleError: nobody has this id, or the folder cannot be written.
        """
        checked_id(person)
        with self._store.locked():
            if not self._store.delete(person):
                raise _nobody(person)

    def reembed(self, space: str, embed: Embed) -> int:
        """Embed the anchors of other spaces again from their crops, and return how many there were.

        An anchor whose crop is missing or damaged is kept and not compared with: it counts again when the network
        of its space does. That is said, and what to do.

        Args:
            space: that of the network.
            embed: the network; takes crops of any size.

        Raises:
            PeopleError: the folder cannot be read or written.
        """
        if all(anchor.space == space for person in self.load() for anchor in (*person.anchors, *person.negatives)):
            return 0
        with self._store.locked():
            results = [renewed(person, space, read_crop, embed) for person in self._store.load()]
            self._store.put([Entry(result.person) for result in results if result.count])
        report(results)
        return sum(result.count for result in results)

    def merge(self, entries: Sequence[Entry]) -> tuple[Change, ...]:
        """Add people and faces of another gallery, all of them or none; their names and marks win over those here.

        Raises:
            PeopleError: the folder cannot be read or written.
        """
        with self._store.locked():
            changes, wanted = [], []
            for entry in entries:
                theirs = entry.person
                ours = self._store.find(theirs.id)
                after = theirs if ours is None else _joined(ours, theirs)
                changes.append(Change(ours, after))
                if changes[-1].happened:
                    wanted.append(Entry(after, _belonging(entry.crops, after)))
            self._store.put(wanted)
        return tuple(changes)

    def _known(self, person: str) -> Person:
        found = self._store.find(checked_id(person))
        if found is None:
            raise _nobody(person)
        return found


def describe(person: Person) -> str:
    """Return in words how much is known of somebody."""
    words = counted(len(person.anchors), "face")
    return f"{words}, {len(person.negatives)} rejected" if person.negatives else words


def _nobody(person: str) -> PeopleError:
    return PeopleError(f"{person}: nobody is enrolled under this id: `facenode people list` shows who is")


def _anchors(samples: Sequence[Sample], space: str) -> tuple[tuple[Anchor, ...], dict[str, bytes]]:
    """Return samples as anchors, none twice, and the files of their crops."""
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


def _belonging(files: Mapping[str, bytes], person: Person) -> dict[str, bytes]:
    named = {anchor.crop.name for anchor in (*person.anchors, *person.negatives) if anchor.crop}
    return {name: content for name, content in files.items() if name in named}
