"""Corrections that an owner makes -> the people as they should be: names, merged people, photos removed or moved."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from node.errors import PeopleError, Reason
from node.people.entry import Entry
from node.people.gallery import Gallery, nobody
from node.people.likeness import Comparison
from node.people.person import Anchor, Person, checked_id, checked_name, merged, without
from node.people.photos import Photo, find_photo, photos_of
from node.people.reembedding import read_crop_file
from node.people.summary import Deed, summary

_log = logging.getLogger(__name__)


class Corrections:
    """Correct the people of a gallery. Each correction is whole or absent, and can be undone.

    Args:
        gallery: the people.
        naming: returns how faces that get a name are compared among a number of people; needed only to say how well
            photos agree.
    """

    def __init__(self, gallery: Gallery, naming: Callable[[int], Comparison] | None = None) -> None:
        self._changes, self._naming = gallery.changes, naming
        self._store = gallery.changes.store

    def photos(self, person: str) -> tuple[Photo, ...]:
        """Return the photos of a person.

        Raises:
            PeopleError: nobody has this id, or the folder cannot be read.
        """
        known = self._known(person)
        naming = None if self._naming is None else self._naming(len(self._store.load()))
        return photos_of(known, self._store.folder / person, naming)

    def rename(self, person: str, name: str) -> Person:
        """Give a person another display name.

        Raises:
            PeopleError: the name is not valid, nobody has this id, or the folder cannot be written.
        """
        checked_name(name)
        with self._store.locked():
            known = self._known(person)
            changed = replace(known, name=name)
            if changed.name != known.name:
                done = summary(Deed.RENAMED, person=person, before=known.name, after=name)
                self._changes.put(done, [Entry(changed)])
        return changed

    def merge(self, person: str, into: str) -> Person:
        """Merge a person into another, who keeps their own id, name and mark; the first id is free again.

        Faces that were rejected for one and enrolled for the other are theirs.

        Raises:
            PeopleError: both are the same, nobody has one of the ids, or the folder cannot be written.
        """
        if checked_id(person) == checked_id(into):
            raise PeopleError(f"{person}: name two different people to merge", Reason.SAME_PERSON)
        with self._store.locked():
            theirs, ours = self._known(person), self._known(into)
            anchors = merged(ours.anchors, theirs.anchors)
            negatives = without(merged(ours.negatives, theirs.negatives), anchors)
            changed = self._moved(
                (*theirs.anchors, *theirs.negatives), replace(ours, anchors=anchors, negatives=negatives)
            )
            self._changes.put(summary(Deed.MERGED, person=person, into=into), [changed], {person: into}, shared=True)
        return changed.person

    def remove_photo(self, person: str, photo: str) -> Person:
        """Remove a photo of a person, enrolled or rejected.

        Raises:
            PeopleError: it is their only photo, there is no such person or photo, or the folder cannot be written.
        """
        with self._store.locked():
            known = self._known(person)
            changed = self._without(known, find_photo(known, photo), f"facenode people remove {person}")
            self._changes.put(summary(Deed.PHOTO_REMOVED, person=person), [Entry(changed)])
        return changed

    def move_photo(self, person: str, photo: str, to: str) -> tuple[Person, Person]:
        """Move a photo from one person to another. Return both.

        Raises:
            PeopleError: both are the same, it is their only photo, there is no such person or photo, or the folder
                cannot be written.
        """
        if checked_id(person) == checked_id(to):
            raise PeopleError(f"{person}: name another person to move the photo to", Reason.SAME_PERSON)
        with self._store.locked():
            known, other = self._known(person), self._known(to)
            anchor = find_photo(known, photo)
            rest = self._without(known, anchor, f"facenode people merge {person} {to}")
            target = replace(
                other, anchors=merged(other.anchors, (anchor,)), negatives=without(other.negatives, (anchor,))
            )
            entry = self._moved((anchor,), target)
            done = summary(Deed.PHOTO_MOVED, person=person, to=to)
            self._changes.put(done, [Entry(rest), entry], shared=True)
        return rest, entry.person

    def _known(self, person: str) -> Person:
        found = self._store.find(checked_id(person))
        if found is None:
            raise nobody(person)
        return found

    def _without(self, person: Person, anchor: Anchor, instead: str) -> Person:
        anchors, negatives = (
            tuple(each for each in own if each is not anchor) for own in (person.anchors, person.negatives)
        )
        if not anchors:
            sentence = f"{person.id}: this is the only photo: use {instead}"
            raise PeopleError(sentence, Reason.ONLY_PHOTO, {"id": person.id})
        return replace(person, anchors=anchors, negatives=negatives)

    def _moved(self, moved: Sequence[Anchor], person: Person) -> Entry:
        """Return a person with the crops of faces that come from another; a crop that cannot be read is left out."""
        crops, lost = {}, []
        for anchor in moved:
            if anchor.crop is not None:
                try:
                    crops[anchor.crop.name] = read_crop_file(anchor.crop)
                except ValueError as error:
                    _log.error("people: %s: left out the crop of %s: %s", person.id, anchor.source, error)
                    lost.append(anchor)
        anchors, negatives = (
            tuple(replace(each, crop=None) if any(each is one for one in lost) else each for each in own)
            for own in (person.anchors, person.negatives)
        )
        return Entry(replace(person, anchors=anchors, negatives=negatives), crops)
