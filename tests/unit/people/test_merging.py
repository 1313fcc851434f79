"""Merging another gallery: nothing is lost or duplicated, and the names and marks of the file win."""

from dataclasses import replace
from pathlib import Path

from makers import unit
from samples import crop, sample

from node.people.crop import encode
from node.people.entry import Entry
from node.people.gallery import Gallery
from node.people.person import Anchor, Person


def entry(name: str, *anchors: Anchor, negatives: tuple[Anchor, ...] = (), ignored: bool = False) -> Entry:
    """Return a person of another gallery, with the files of their crops."""
    person = Person(name, name.title(), anchors, ignored, negatives)
    files = dict(encode(crop(number)) for number in range(4))
    used = {anchor.crop.name for anchor in (*anchors, *negatives) if anchor.crop}
    return Entry(person, {file: content for file, content in files.items() if file in used})


def anchor(*numbers: float, space: str = "s", number: int | None = None) -> Anchor:
    """Return a face of another gallery."""
    return Anchor(unit(*numbers), space, "theirs", None if number is None else Path(encode(crop(number))[0]))


def test_faces_of_both_galleries_are_kept_without_duplicates(tmp_path: Path) -> None:
    """The same photo enrolled on both is one face; merging again changes nothing, not even a file."""
    gallery = Gallery(tmp_path)
    gallery.add("ada", "Ada L.", "s", [sample(1, 0, crop=crop(0)), sample(3, 4)])
    theirs = [entry("ada", anchor(1, 0, number=0), anchor(0, 1, number=1)), entry("bob", anchor(1, 1), ignored=True)]
    ada, bob = gallery.merge(theirs)
    assert ada.before is not None
    assert (ada.before.name, ada.after.name, ada.faces) == ("Ada L.", "Ada", 1)
    assert (bob.before, bob.after.ignored, bob.faces) == (None, True, 1)
    loaded = gallery.load()
    assert [len(person.anchors) for person in loaded] == [3, 1]
    assert all(face.crop is None or face.crop.is_file() for person in loaded for face in person.anchors)
    revision = gallery.revision()
    assert not any(change.happened for change in gallery.merge(theirs))
    assert gallery.revision() == revision


def test_a_face_embedded_again_here_is_not_added_with_its_older_embedding(tmp_path: Path) -> None:
    """Its crop is the same, so it is the same photo, whichever network embedded it."""
    gallery = Gallery(tmp_path)
    gallery.add("ada", None, "new", [sample(1, 0, crop=crop(0))])
    gallery.merge([entry("ada", anchor(1, 0, 0, space="old", number=0))])
    assert len(gallery.load()[0].anchors) == 1


def test_a_face_rejected_there_is_no_longer_enrolled_here(tmp_path: Path) -> None:
    """And a face enrolled there is no longer rejected here: the file is the owner's latest decision."""
    gallery = Gallery(tmp_path)
    gallery.add("ada", None, "s", [sample(1, 0), sample(0, 1)])
    gallery.reject("ada", "s", sample(1, 1))
    gallery.merge([entry("ada", anchor(1, 1), negatives=(anchor(0, 1),))])
    (person,) = gallery.load()
    assert [float(face.embedding[0]) for face in person.negatives] == [0]
    assert len(person.anchors) == 2


def test_the_ignored_mark_of_the_file_is_set_and_removed(tmp_path: Path) -> None:
    """A postman marked on one node is ignored by the fleet, until the mark is removed."""
    gallery = Gallery(tmp_path)
    first = entry("bob", anchor(1, 0), ignored=True)
    gallery.merge([first])
    assert gallery.load()[0].ignored
    (change,) = gallery.merge([Entry(replace(first.person, ignored=False))])
    assert change.happened
    assert not gallery.load()[0].ignored
