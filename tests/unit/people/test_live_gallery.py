"""The roster: what changes on the disk counts without a restart, and a disk that fails forgets nobody."""

import logging
import shutil
from pathlib import Path

import pytest
from faces import sample
from makers import unit

from node.people.gallery import Gallery
from node.people.live_gallery import LiveGallery
from node.people.matcher import GalleryMatcher


def roster(gallery: Gallery) -> LiveGallery:
    """Return a roster made at 0 s."""
    return LiveGallery(gallery, lambda people: GalleryMatcher(people, "s", 0.5), 0.0)


def test_a_change_on_the_disk_counts_after_half_a_second(tmp_path: Path) -> None:
    """Not before, since looking costs; at once where it is asked for."""
    book = roster(Gallery(tmp_path))
    Gallery(tmp_path).add("ada", None, "s", [sample(1, 0)])
    assert not book.refresh(0.4)
    assert book.matcher.match(unit(1, 0), {}).person is None
    assert book.refresh(0.5)
    assert book.matcher.match(unit(1, 0), {}).person == "ada"
    Gallery(tmp_path).ignore("ada")
    assert book.refresh(0.6, now=True)
    assert book.matcher.match(unit(1, 0), {}).ignored
    assert not book.refresh(2.0)


def test_a_gallery_that_is_gone_forgets_nobody_and_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An unplugged disk is no order to erase people; when it is back, that is said too."""
    folder, away = tmp_path / "people", tmp_path / "away"
    gallery = Gallery(folder)
    gallery.add("ada", None, "s", [sample(1, 0)])
    book = roster(gallery)
    shutil.move(folder, away)
    with caplog.at_level(logging.INFO):
        assert not book.refresh(1.0)
        assert not book.refresh(2.0)
        assert [person.id for person in book.people] == ["ada"]
        shutil.move(away, folder)
        assert not book.refresh(3.0)
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
