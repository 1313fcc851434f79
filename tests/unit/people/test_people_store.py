"""The store of people: a change is whole or absent, one writer at a time, and nothing is renamed without the lock."""

import logging
import os
import threading
from pathlib import Path

import pytest
from makers import unit
from samples import sample

from node.errors import PeopleError
from node.people import record
from node.people.entry import Entry
from node.people.gallery import Gallery
from node.people.person import Anchor, Person
from node.people.store import Store
from node.system.files import write_privately


def person(name: str, *numbers: float) -> Person:
    """Return a person with one face."""
    return Person(name, name, (Anchor(unit(*numbers), "s", "p"),))


def damage(folder: Path, name: str) -> Path:
    """Store a person, damage their record and return its path."""
    Gallery(folder).merge([Entry(person(name, 1, 0))])
    path = folder / name / record.FILE
    path.write_bytes(b"{")
    return path


def test_a_change_that_cannot_be_written_whole_changes_nobody(tmp_path: Path) -> None:
    """As on a full disk: the third of three people fails, and the first two stay as they were."""
    gallery = Gallery(tmp_path)
    gallery.merge([Entry(person("ada", 1, 0))])
    name = "x" * 300  # no disk takes such a name
    spoilt = Entry(Person("eve", "eve", (Anchor(unit(1, 0), "s", "p", Path(name)),)), {name: b""})
    store = Store(tmp_path, {})
    with pytest.raises(PeopleError, match=r"storage\.dir must be"), store.locked():
        store.put([Entry(person("ada", 0, 1)), Entry(person("bob", 1, 0)), spoilt])
    (ada,) = gallery.load()
    assert ada.anchors[0].embedding[0] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["ada"]


def test_a_writer_waits_for_another_only_so_long(tmp_path: Path) -> None:
    """The second command asks its user to try again."""
    with (
        Store(tmp_path, {}).locked(),
        pytest.raises(PeopleError, match="another command is changing it"),
        Store(tmp_path, {}, lock_timeout_s=0.0).locked(),
    ):
        pytest.fail("two writers at once")


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    """The line names the path and the setting."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PeopleError, match=r"file.*storage\.dir"):
        Gallery(tmp_path / "file" / "people").merge([Entry(person("ada", 1, 0))])


def test_an_entry_that_a_writer_replaces_while_it_is_read_keeps_its_name(tmp_path: Path) -> None:
    """The reader saw damage, but the writer had replaced the entry before the reader got the lock.

    The record is a FIFO, so that the reader is in the middle of reading it while the writer replaces it.
    """
    path = damage(tmp_path, "ada")
    path.unlink()
    os.mkfifo(path)
    people: list[Person] = []
    reader = threading.Thread(target=lambda: people.extend(Gallery(tmp_path).load()))
    reader.start()
    with Store(tmp_path, {}).locked():
        fifo = os.open(path, os.O_WRONLY)  # returns once the reader has opened it
        write_privately(path, record.encode(person("ada", 0, 1)))
        os.write(fifo, b"{")
        os.close(fifo)
    reader.join()
    assert [entry.name for entry in tmp_path.iterdir()] == ["ada"]
    assert [each.id for each in people] == ["ada"]


def test_a_reader_leaves_a_damaged_entry_while_a_writer_holds_the_lock(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It reads everybody else, and logs what it left and why."""
    path = damage(tmp_path, "ada")
    Gallery(tmp_path).merge([Entry(person("bob", 1, 0))])
    reader = Store(tmp_path, {}, reader_timeout_s=0.0)
    writer = Store(tmp_path, {})
    with writer.locked(), caplog.at_level(logging.ERROR):
        assert [each.id for each in reader.load()] == ["bob"]
        assert path.read_bytes() == b"{"
        writer.put([Entry(person("ada", 0, 1))])
    assert [each.id for each in reader.load()] == ["ada", "bob"]
    (line,) = caplog.messages
    assert f"the entry {path.parent} is damaged" in line
    assert "left in place, because another command is changing the gallery" in line


def test_a_reader_that_cannot_rename_leaves_a_damaged_entry(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It reads everybody else. Here the new name would be too long for the disk, which holds for root, too."""
    Gallery(tmp_path).merge([Entry(person("bob", 1, 0))])
    (tmp_path / ("x" * 250)).mkdir()
    with caplog.at_level(logging.ERROR):
        assert [each.id for each in Store(tmp_path, {}).load()] == ["bob"]
    (line,) = caplog.messages
    assert "left in place, because it cannot be renamed" in line


def test_a_writer_that_cannot_set_a_damaged_entry_aside_writes_nothing(tmp_path: Path) -> None:
    """Otherwise it would overwrite an entry that the owner may still repair."""
    (tmp_path / ("x" * 250)).mkdir()
    store = Store(tmp_path, {})
    with pytest.raises(PeopleError, match="File name too long"), store.locked():
        store.load()


def test_a_writer_sets_a_damaged_entry_aside_under_its_own_lock(tmp_path: Path) -> None:
    """It does not wait for itself."""
    damage(tmp_path, "ada")
    Gallery(tmp_path).add("ada", None, "s", [sample(0, 1)])
    assert len(Store(tmp_path, {}).damaged("ada")) == 1
    assert [len(each.anchors) for each in Gallery(tmp_path).load()] == [1]


def test_an_entry_without_a_record_hides_no_later_change(tmp_path: Path) -> None:
    """Such an entry may stay in place, and a running node must still notice later enrollments."""
    (tmp_path / "eve").mkdir()
    store = Store(tmp_path, {})
    before = store.revision()
    Gallery(tmp_path).merge([Entry(person("ada", 1, 0))])
    assert store.revision() != before
