"""The store of people: a change is whole or absent, one writer at a time, and nothing is renamed without the lock."""

import logging
import os
import threading
from pathlib import Path

import pytest
from makers import unit
from samples import remove, sample

from node.errors import PeopleError
from node.people import record
from node.people.entry import Entry
from node.people.gallery import Gallery
from node.people.person import Anchor, Person
from node.people.store import Store


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


class Lengths(dict[str, int]):
    """Lengths of embeddings; the first look at them waits for a writer, and finds a damaged record."""

    def __init__(self) -> None:
        super().__init__(s=2)
        self.reading, self.replaced = threading.Event(), threading.Event()

    def get(self, space: str, otherwise: int | None = None) -> int | None:  # type: ignore[override]
        """Return the length of a space."""
        del otherwise
        if not self.reading.is_set():
            self.reading.set()
            self.replaced.wait(10)
            return 3
        return self[space]


def test_an_entry_that_a_writer_replaces_while_it_is_read_keeps_its_name(tmp_path: Path) -> None:
    """The reader saw damage, but the writer had replaced the entry before the reader got the lock."""
    Gallery(tmp_path).merge([Entry(person("ada", 1, 0))])
    lengths, people = Lengths(), list[Person]()
    reader = threading.Thread(target=lambda: people.extend(Gallery(tmp_path, lengths).load()))
    store = Store(tmp_path, {})
    with store.locked():
        reader.start()
        assert lengths.reading.wait(10)
        store.put([Entry(person("ada", 0, 1))])
        lengths.replaced.set()
    reader.join()
    assert [entry.name for entry in tmp_path.iterdir()] == ["ada"]
    assert [each.anchors[0].embedding[1] for each in people] == [1]


@pytest.mark.parametrize("kind", ["a FIFO", "a link", "a large file"])
def test_a_record_that_is_no_plain_file_of_a_bounded_size_is_damage(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Reading it neither hangs nor fills the memory, and everybody else is still read."""
    gallery = Gallery(tmp_path)
    gallery.merge([Entry(person("ada", 1, 0)), Entry(person("bob", 1, 0))])
    path = tmp_path / "ada" / record.FILE
    path.unlink()
    if kind == "a FIFO":
        os.mkfifo(path)
    elif kind == "a link":
        path.symlink_to(tmp_path / "bob" / record.FILE)
    else:
        with path.open("wb") as file:
            file.truncate(record.MAX_BYTES + 1)
    with caplog.at_level(logging.ERROR):
        assert [each.id for each in gallery.load()] == ["bob"]
    reason = f"more than {record.MAX_BYTES} bytes" if kind == "a large file" else f"it is {kind}"
    assert reason in caplog.text
    assert len(Store(tmp_path, {}).damaged("ada")) == 1


def test_an_entry_that_is_a_link_is_neither_read_nor_changed_nor_erased(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What it leads to may be somebody else's."""
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "people"
    Gallery(elsewhere).merge([Entry(person("ada", 1, 0))])
    gallery = Gallery(folder)
    gallery.merge([Entry(person("bob", 1, 0))])
    (folder / "ada").symlink_to(elsewhere / "ada")
    with caplog.at_level(logging.ERROR):
        assert [each.id for each in gallery.load()] == ["bob"]
    assert f"{folder / 'ada'} is a link: not read" in caplog.text
    for change in (
        lambda: gallery.add("ada", None, "s", [sample(0, 1)]),
        lambda: gallery.ignore("ada"),
        lambda: remove(folder, "ada"),
    ):
        with pytest.raises(PeopleError, match=r"ada: it must be a folder, but it is a link"):
            change()
    assert [each.anchors[0].embedding[0] for each in Gallery(elsewhere).load()] == [1]


@pytest.mark.parametrize("place", [".", ".new"])
def test_a_link_in_the_place_of_the_folder_or_of_a_change_is_refused(tmp_path: Path, place: str) -> None:
    """Nothing is moved from where it leads to, and nothing put there."""
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "people"
    (elsewhere / "ada").mkdir(parents=True)
    if place == ".new":
        folder.mkdir()
    (folder / place if place == ".new" else folder).symlink_to(elsewhere)
    with pytest.raises(PeopleError, match=r"it must be a folder, but it is a link: remove it"):
        Gallery(folder).merge([Entry(person("ada", 1, 0))])
    assert [path.name for path in elsewhere.rglob("*")] == ["ada"]


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
