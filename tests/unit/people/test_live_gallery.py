"""A change on disk takes effect without a restart, and a disk that fails makes nobody unknown."""

import logging
import shutil
from pathlib import Path

import pytest
from makers import unit
from samples import remove, sample, undoable_gallery

from node.people.corrections import Corrections
from node.people.erasure import Erasure
from node.people.gallery import Gallery
from node.people.live_gallery import LiveGallery
from node.people.matcher import GalleryMatcher
from node.people.store import Store


def live_gallery(gallery: Gallery) -> LiveGallery:
    """Return a live gallery made at 0 s."""
    return LiveGallery(gallery, lambda people: GalleryMatcher(people, "s", 0.5), 0.0)


def test_a_change_on_disk_takes_effect_after_half_a_second(tmp_path: Path) -> None:
    """Not before, since checking has a cost; at once after it was invalidated."""
    live = live_gallery(Gallery(tmp_path))
    Gallery(tmp_path).add("ada", None, "s", [sample(1, 0)])
    assert not live.refresh(0.4)
    assert live.matcher.match(unit(1, 0), {}).person is None
    assert live.refresh(0.5)
    assert live.matcher.match(unit(1, 0), {}).person == "ada"
    Gallery(tmp_path).ignore("ada")
    live.invalidate()
    assert live.refresh(0.6)
    assert live.matcher.match(unit(1, 0), {}).ignored
    assert not live.refresh(2.0)


def test_whoever_is_removed_is_named(tmp_path: Path) -> None:
    """The rest of the node erases them, whichever process removed them."""
    gallery = Gallery(tmp_path)
    for person in ("ada", "bob"):
        gallery.add(person, None, "s", [sample(1, 0)])
    live = live_gallery(gallery)
    remove(tmp_path, "ada")
    assert live.refresh(1.0)
    assert live.removed == {"ada"}
    Gallery(tmp_path).ignore("bob")
    assert live.refresh(2.0)
    assert live.removed == frozenset()


@pytest.mark.parametrize(
    ("people", "summary"),
    [(0, "nobody is enrolled: every face is unknown"), (1, "1 person known"), (2, "2 people known")],
)
def test_the_log_line_counts_people_in_plain_words(tmp_path: Path, people: int, summary: str) -> None:
    """The noun is singular for one person."""
    gallery = Gallery(tmp_path)
    for number in range(people):
        gallery.add(f"person-{number}", None, "s", [sample(1, 0)])
    live = live_gallery(gallery)
    assert (live.summary, live.count, live.can_recognize) == (summary, people, people > 0)


def test_where_the_closed_set_decides_nobody_of_the_gallery_counts(tmp_path: Path) -> None:
    """Home Assistant gets nobody, and health counts nobody."""
    gallery = Gallery(tmp_path)
    gallery.add("ada", None, "s", [sample(1, 0)])
    live = LiveGallery(gallery, lambda people: GalleryMatcher(people, "s", 0.5), 0.0, closed_set=True)
    assert (live.people, live.count, live.can_recognize) == ((), None, True)


def test_a_missing_gallery_makes_nobody_unknown_and_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An unplugged disk must not erase people; its return is logged, too."""
    folder, away = tmp_path / "people", tmp_path / "away"
    gallery = Gallery(folder)
    gallery.add("ada", None, "s", [sample(1, 0)])
    live = live_gallery(gallery)
    shutil.move(folder, away)
    with caplog.at_level(logging.INFO):
        assert not live.refresh(1.0)
        assert not live.refresh(2.0)
        assert [person.id for person in live.people] == ["ada"]
        shutil.move(away, folder)
        assert not live.refresh(3.0)
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]


def test_a_person_whose_entry_is_damaged_is_not_removed(tmp_path: Path) -> None:
    """They are not recognized, but their messages stay; neither where the entry cannot be set aside."""
    gallery = Gallery(tmp_path)
    for person in ("ada", "bob"):
        gallery.add(person, None, "s", [sample(1, 0)])
    live = live_gallery(gallery)
    (tmp_path / "ada" / "person.json").write_bytes(b"{")
    assert live.refresh(1.0)
    assert [person.id for person in live.people] == ["bob"]
    assert live.removed == frozenset()
    assert list(tmp_path.glob("ada.damaged-*"))
    live.refresh(2.0)
    assert live.removed == frozenset()
    (tmp_path / "bob" / "person.json").unlink()
    with Store(tmp_path, {}).locked():
        assert live.refresh(5.0)
    assert (live.people, live.removed) == ((), frozenset())


def test_an_empty_folder_in_the_place_of_the_gallery_removes_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As under a disk that was unmounted; when it is back, everything is as before."""
    folder, away = tmp_path / "people", tmp_path / "away"
    gallery = Gallery(folder)
    gallery.add("ada", None, "s", [sample(1, 0)])
    live = live_gallery(gallery)
    folder.rename(away)
    folder.mkdir()
    with caplog.at_level(logging.INFO):
        assert not live.refresh(1.0)
        assert not live.refresh(2.0)
        assert ([person.id for person in live.people], live.removed) == (["ada"], frozenset())
        folder.rmdir()
        away.rename(folder)
        assert not live.refresh(3.0)
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert "an empty folder is in the place of the gallery: mount its disk" in caplog.text


def test_another_folder_in_the_place_of_the_gallery_removes_nobody(tmp_path: Path) -> None:
    """Its people are known from now on; whether the others were removed, nobody can tell."""
    folder = tmp_path / "people"
    Gallery(folder).add("ada", None, "s", [sample(1, 0)])
    live = live_gallery(Gallery(folder))
    folder.rename(tmp_path / "away")
    Gallery(folder).add("bob", None, "s", [sample(1, 0)])
    assert live.refresh(1.0)
    assert ([person.id for person in live.people], live.removed) == (["bob"], frozenset())
    remove(folder, "bob")
    assert live.refresh(2.0)
    assert (live.people, live.removed) == ((), frozenset({"bob"}))


def test_whoever_is_being_erased_is_not_known_even_if_the_disk_still_has_them(tmp_path: Path) -> None:
    """The mark of the removal is enough, from whichever process."""
    for person in ("ada", "bob"):
        Gallery(tmp_path).add(person, None, "s", [sample(1, 0)])
    live = live_gallery(Gallery(tmp_path))
    Erasure(Store(tmp_path, {})).begin("ada")
    assert live.refresh(1.0)
    assert [person.id for person in live.people] == ["bob"]
    assert live.removed == frozenset()  # whoever follows the marks erases the rest


def test_whoever_is_forgotten_is_known_no_longer(tmp_path: Path) -> None:
    """Even if the disk cannot be read at that moment; the next refresh says so, once."""
    folder = tmp_path / "people"
    Gallery(folder).add("ada", None, "s", [sample(1, 0)])
    live = live_gallery(Gallery(folder))
    folder.rename(tmp_path / "away")
    live.forget("ada")
    live.forget("ada")
    assert live.matcher.match(unit(1, 0), {}).person is None
    assert live.refresh(0.1)
    assert not live.refresh(0.2)
    assert not live.refresh(1.0)
    assert live.people == ()


def test_whoever_left_by_a_merge_or_an_undo_is_not_removed(tmp_path: Path) -> None:
    """The rest of the node must not erase them: what waits for the broker about them stays."""
    gallery = undoable_gallery(tmp_path)
    for number, person in enumerate(("ada", "ada2", "bob")):
        gallery.add(person, None, "s", [sample(1, number)])
    live = live_gallery(gallery)
    Corrections(gallery).merge("ada2", "ada")
    gallery.changes.undo(gallery.changes.actions()[1].action.id)  # bob was enrolled by mistake
    remove(tmp_path / "people", "ada")
    assert live.refresh(1.0)
    assert live.removed == {"ada"}
    assert live.departed == {"ada2": "ada", "bob": None}
    gallery.add("bob", None, "s", [sample(1, 2)])
    assert live.refresh(2.0)
    assert not live.removed
    assert not live.departed
