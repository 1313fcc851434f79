"""The folder of the people: all of a change or nothing, one writer at a time."""

from pathlib import Path

import pytest
from makers import unit

from node.errors import PeopleError
from node.people.gallery import Gallery
from node.people.person import Anchor, Person
from node.people.store import Store, Entry


def person(name: str, *numbers: float) -> Person:
    """Return somebody with one face."""
    return Person(name, name, (Anchor(unit(*numbers), "s", "p"),))


def test_a_change_that_cannot_be_written_whole_changes_nobody(tmp_path: Path) -> None:
    """As on a full disk: the last of three people fails, and the first two are as they were before."""
    gallery = Gallery(tmp_path)
    gallery.merge([Entry(person("ada", 1, 0))])
    spoilt = Entry(person("eve", 1, 0), {"x" * 300: b""})  # a name that no disk takes
    store = Store(tmp_path, {})
    with pytest.raises(PeopleError, match=r"storage\.dir must be"), store.locked():
        store.put([Entry(person("ada", 0, 1)), Entry(person("bob", 1, 0)), spoilt])
    (ada,) = gallery.load()
    assert ada.anchors[0].embedding[0] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["ada"]


def test_a_writer_that_does_not_end_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    """The other command is told to try again."""
    with (
        Store(tmp_path, {}).locked(),
        pytest.raises(PeopleError, match="another command is changing it"),
        Store(tmp_path, {}, lock_timeout_s=0.05).locked(),
    ):
        pytest.fail("two writers at once")


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    """The line names the place and the setting."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PeopleError, match=r"file.*storage\.dir"):
        Gallery(tmp_path / "file" / "people").merge([Entry(person("ada", 1, 0))])
