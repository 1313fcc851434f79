"""Corrections of people: names, merged people, photos removed and moved; a mistake changes nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest
from samples import crop, remove, sample, undoable_gallery

from node.errors import PeopleError
from node.people.corrections import Corrections
from node.people.gallery import Gallery
from node.people.likeness import Comparison


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    """Return a gallery of Ada, who was enrolled twice, and Grace; one of Ada's photos shows Grace."""
    made = undoable_gallery(tmp_path)
    made.add("ada", "Ada", "s", [sample(1, 0, crop=crop(1)), sample(0, 1, crop=crop(2), source="grace.jpg")])
    made.reject("ada", "s", sample(3, 4, crop=crop(3)))
    made.add("ada2", "Ada again", "s", [sample(3, 4, crop=crop(3)), sample(5, 1, crop=crop(4))], ignored=True)
    made.reject("ada2", "s", sample(-1, 0, crop=crop(5)))
    made.add("grace", "Grace", "s", [sample(1, 9, crop=crop(6))])
    return made


def files(gallery: Gallery) -> dict[str, bytes]:
    """Return every file of the gallery."""
    folder = gallery.changes.store.folder
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def photo(gallery: Gallery, person: str, source: str) -> str:
    """Return the id of the photo of a person with this source."""
    return next(each.id for each in Corrections(gallery).photos(person) if each.source == source)


def test_a_person_gets_another_name(gallery: Gallery) -> None:
    """The id, the faces and the mark stay."""
    Corrections(gallery).rename("ada", "Ada L.")
    (person, *_) = gallery.load()
    assert (person.id, person.name, len(person.anchors), len(person.negatives)) == ("ada", "Ada L.", 2, 1)


def test_two_people_who_are_one_are_merged(gallery: Gallery) -> None:
    """Faces and rejected faces of both are kept, with their crops; one rejected and enrolled is theirs."""
    Corrections(gallery).merge("ada2", "ada")
    ada, grace = gallery.load()
    assert (ada.id, ada.name, ada.ignored, grace.id) == ("ada", "Ada", False, "grace")
    assert {anchor.photo for anchor in ada.anchors} == {anchor.crop.stem for anchor in ada.anchors if anchor.crop}
    assert (len(ada.anchors), len(ada.negatives)) == (4, 1)
    assert all(anchor.crop and anchor.crop.is_file() for anchor in (*ada.anchors, *ada.negatives))
    assert not (gallery.changes.store.folder / "ada2").exists()


def test_a_photo_is_removed_with_its_crop(gallery: Gallery) -> None:
    """A rejected face can be removed, too: it was hers after all."""
    corrections = Corrections(gallery)
    corrections.remove_photo("ada", photo(gallery, "ada", "grace.jpg"))
    rejected = next(each for each in corrections.photos("ada") if each.rejected)
    person = corrections.remove_photo("ada", rejected.id[:4])
    assert (len(person.anchors), len(person.negatives)) == (1, 0)
    assert len(list((gallery.changes.store.folder / "ada").glob("*.png"))) == 1


def test_a_photo_is_moved_with_its_crop_and_its_date(gallery: Gallery) -> None:
    """It is no longer rejected where it goes."""
    moved = photo(gallery, "ada", "grace.jpg")
    added = next(each.added for each in Corrections(gallery).photos("ada") if each.id == moved)
    gallery.reject("grace", "s", sample(0, 1, crop=crop(2)))
    Corrections(gallery).move_photo("ada", moved, "grace")
    ada, _, grace = gallery.load()
    assert [len(person.anchors) for person in (ada, grace)] == [1, 2]
    assert grace.negatives == ()
    (found,) = (each for each in Corrections(gallery).photos("grace") if each.id == moved)
    assert (found.source, found.added) == ("grace.jpg", added)
    assert found.crop is not None
    assert found.crop.is_file()


def test_a_moved_photo_whose_crop_is_missing_is_moved_without_it(gallery: Gallery) -> None:
    """Its embedding is enough to recognize somebody."""
    moved = photo(gallery, "ada", "grace.jpg")
    (gallery.changes.store.folder / "ada" / f"{moved}.png").unlink()
    Corrections(gallery).move_photo("ada", moved, "grace")
    grace = next(person for person in gallery.load() if person.id == "grace")
    assert [anchor.crop is None for anchor in grace.anchors] == [False, True]


@pytest.mark.parametrize(
    ("correct", "sentence"),
    [
        (lambda c: c.rename("eve", "Eve"), "eve: nobody is enrolled under this id"),
        (lambda c: c.rename("ada", "\n"), "is not a valid name"),
        (lambda c: c.rename("../ada", "x"), "is not a valid id"),
        (lambda c: c.merge("ada", "ada"), "ada: name two different people to merge"),
        (lambda c: c.merge("eve", "ada"), "eve: nobody is enrolled"),
        (lambda c: c.merge("ada", "eve"), "eve: nobody is enrolled"),
        (lambda c: c.photos("eve"), "eve: nobody is enrolled"),
        (lambda c: c.remove_photo("ada", "0000"), "0000: ada has no such photo: `facenode people photos ada`"),
        (lambda c: c.remove_photo("ada", ""), ": ada has no such photo"),
        (
            lambda c: c.remove_photo("grace", c.photos("grace")[0].id),
            "grace: this is the only photo: use facenode people remove grace",
        ),
        (
            lambda c: c.move_photo("grace", c.photos("grace")[0].id, "ada"),
            "grace: this is the only photo: use facenode people merge grace ada",
        ),
        (lambda c: c.move_photo("ada", c.photos("ada")[0].id, "ada"), "ada: name another person to move the photo to"),
        (lambda c: c.move_photo("ada", c.photos("ada")[0].id, "eve"), "eve: nobody is enrolled"),
        (lambda c: c.move_photo("ada", c.photos("grace")[0].id, "grace"), "ada has no such photo"),
    ],
)
def test_a_correction_that_cannot_be_says_why_and_changes_nothing(
    gallery: Gallery, correct: Callable[[Corrections], object], sentence: str
) -> None:
    """One sentence that names who and what to do; no file differs."""
    before = files(gallery)
    with pytest.raises(PeopleError, match=sentence):
        correct(Corrections(gallery))
    assert files(gallery) == before


def test_somebody_who_was_erased_meanwhile_is_not_brought_back(gallery: Gallery) -> None:
    """A photo is moved to people who are enrolled only."""
    moved = photo(gallery, "ada", "grace.jpg")
    remove(gallery.changes.store.folder, "grace")
    with pytest.raises(PeopleError, match="grace: nobody is enrolled"):
        Corrections(gallery).move_photo("ada", moved, "grace")


def test_the_id_of_a_photo_needs_no_new_record(tmp_path: Path) -> None:
    """It is the digest of the crop, or that of the embedding; an older record gives the same ids each time."""
    gallery = Gallery(tmp_path / "people")
    gallery.add("ada", None, "s", [sample(1, 0, crop=crop(1)), sample(0, 1)])
    first = Corrections(gallery).photos("ada")
    assert [each.id for each in first] == [each.id for each in Corrections(Gallery(tmp_path / "people")).photos("ada")]
    with_crop, without = first
    assert with_crop.crop is not None
    assert with_crop.id == with_crop.crop.stem
    assert len(without.id) == 16
    assert (without.added, with_crop.added is not None) == (None, True)


def test_agreement_is_the_margin_of_the_most_similar_other_photo(tmp_path: Path) -> None:
    """Within 1e-6, in a gallery of that size; a face of another network cannot be compared."""
    gallery = Gallery(tmp_path / "people")
    gallery.add("ada", None, "s", [sample(1, 0), sample(3, 4), sample(0, 1)])
    gallery.add("ada", None, "other", [sample(1, 0, 0)])
    gallery.add("bob", None, "s", [sample(1, 5)])
    photos = Corrections(gallery, lambda people: Comparison("s", 2, people / 4)).photos("ada")
    assert [each.agreement for each in photos] == [
        pytest.approx(0.1, abs=1e-6), pytest.approx(0.3, abs=1e-6), pytest.approx(0.3, abs=1e-6), None,
    ]  # fmt: skip
    assert [each.agreement for each in Corrections(gallery).photos("ada")] == [None] * 4


def test_damaged_dates_hide_no_photo(gallery: Gallery) -> None:
    """The date is then that of the crop's file."""
    (gallery.changes.store.folder / "ada" / "photos.json").write_bytes(b"{")
    assert all(each.added is not None for each in Corrections(gallery).photos("ada"))
