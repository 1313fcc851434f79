"""The gallery on disk: whole or not at all, private, and never lost to one bad entry."""

import json
import logging
import stat
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from makers import unit

from node.errors import PeopleError
from node.people.gallery import Gallery, Sample


def sample(*numbers: float, crop: bool = False) -> Sample:
    """Return a face to enrol."""
    return Sample(unit(*numbers), "photo.jpg", np.full((4, 4, 3), 7, np.uint8) if crop else None)


def test_what_is_added_is_loaded_again(tmp_path: Path) -> None:
    """Id, name, space and embedding survive the disk unchanged."""
    gallery = Gallery(tmp_path / "people")
    gallery.add("ada", "Zoë Müller", "s", [sample(3, 4), sample(1, 0)])
    (person,) = Gallery(tmp_path / "people").load()
    assert (person.id, person.name, person.ignored) == ("ada", "Zoë Müller", False)
    np.testing.assert_array_equal(person.anchors[0].embedding, unit(3, 4))
    assert person.anchors[0].space == "s"


def test_more_photos_go_to_the_same_person_and_none_twice(tmp_path: Path) -> None:
    """Adding again keeps the name and the former anchors."""
    gallery = Gallery(tmp_path)
    gallery.add("ada", "Ada", "s", [sample(1, 0)])
    person = gallery.add("ada", None, "s", [sample(1, 0), sample(0, 1)])
    assert person.name == "Ada"
    assert len(person.anchors) == 2


def test_files_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    """Records and crops have mode 0600, folders 0700."""
    Gallery(tmp_path / "people").add("ada", None, "s", [sample(1, 0, crop=True)])
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "people").rglob("*")}
    assert modes.pop("ada") == 0o700
    assert len(modes) == 2
    assert set(modes.values()) == {0o600}


def test_removing_leaves_no_file(tmp_path: Path) -> None:
    """Record and crops are gone."""
    gallery = Gallery(tmp_path)
    gallery.add("ada", None, "s", [sample(1, 0, crop=True)])
    gallery.remove("ada")
    assert list(tmp_path.rglob("*")) == []
    with pytest.raises(PeopleError, match="nobody is enrolled"):
        gallery.remove("ada")


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b'{"id":"ada"}',
        b'{"v":1,"id":"eve","name":"x","anchors":[{"embedding":"AACAPw==","space":"s","source":"p"}]}',
        b'{"v":1,"id":"ada","name":"x","anchors":[{"embedding":"AAAA","space":"s","source":"p"}]}',
        b'{"v":1,"id":"ada","name":"x","anchors":[{"embedding":"AAAAQA==","space":"s","source":"p"}]}',
        b'{"v":2,"id":"ada","name":"x","anchors":[]}',
    ],
)
def test_a_damaged_entry_is_set_aside_and_the_others_live(
    tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is deleted: the entry is renamed, said once, and never tried again."""
    gallery = Gallery(tmp_path)
    gallery.add("ada", None, "s", [sample(1, 0)])
    gallery.add("bob", None, "s", [sample(0, 1)])
    (tmp_path / "ada" / "person.json").write_bytes(damage)
    with caplog.at_level(logging.ERROR):
        assert [person.id for person in gallery.load()] == ["bob"]
        assert [person.id for person in gallery.load()] == ["bob"]
    assert len(caplog.records) == 1
    (aside,) = tmp_path.glob("ada.damaged-*")
    assert (aside / "person.json").read_bytes() == damage


@pytest.mark.parametrize("name", ["", "Ada", "a b", "../x", "unknown", "a" * 33, ".ada"])
def test_a_bad_id_is_refused(tmp_path: Path, name: str) -> None:
    """An id is what topics and folders can carry."""
    with pytest.raises(PeopleError):
        Gallery(tmp_path).add(name, None, "s", [sample(1, 0)])
    assert list(tmp_path.iterdir()) == []


def test_the_stamp_differs_after_every_change(tmp_path: Path) -> None:
    """A running node sees an enrolment by comparing stamps."""
    gallery = Gallery(tmp_path)
    stamps = [gallery.stamp()]
    gallery.add("ada", None, "s", [sample(1, 0)])
    stamps.append(gallery.stamp())
    gallery.add("ada", None, "s", [sample(0, 1)])
    stamps.append(gallery.stamp())
    gallery.remove("ada")
    stamps.append(gallery.stamp())
    assert all(a != b for a, b in pairwise(stamps))


def test_a_record_cut_short_by_a_power_failure_is_never_seen(tmp_path: Path) -> None:
    """The record is replaced whole: a left-over part changes nothing."""
    gallery = Gallery(tmp_path)
    gallery.add("ada", None, "s", [sample(1, 0)])
    (tmp_path / "ada" / "person.json.part").write_bytes(b'{"v":1,')
    assert len(gallery.load()) == 1
    gallery.add("ada", None, "s", [sample(0, 1)])
    assert len(json.loads((tmp_path / "ada" / "person.json").read_text())["anchors"]) == 2
