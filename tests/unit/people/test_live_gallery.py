"""A change on disk takes effect without a restart, and a disk that fails makes nobody unknown."""

import logging
import shutil
from pathlib import Path

import pytest
from makers import unit
from samples import remove, sample

from node.people.gallery import Gallery
from node.people.live_gallery import LiveGallery
from node.people.matcher import GalleryMatcher


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
