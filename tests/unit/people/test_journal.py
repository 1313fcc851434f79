"""A change of many people takes place at one moment, and whoever comes next finishes it."""

import logging
import shutil
from pathlib import Path

import pytest
from makers import unit
from samples import crop, remove

from node.errors import PeopleError
from node.people import record
from node.people.crop import encode
from node.people.entry import Entry
from node.people.gallery import Gallery
from node.people.journal import Journal
from node.people.person import Anchor, Person
from node.people.store import Store
from node.system.files import write_privately
from node.system.plain_files import WrongKindError


def entry(name: str, number: int) -> Entry:
    """Return a person with one face and its crop."""
    file, content = encode(crop(number))
    return Entry(Person(name, name, (Anchor(unit(1, number), "s", "p", Path(file)),)), {file: content})


def known(folder: Path) -> dict[str, str]:
    """Return the crop of each person as the next start finds it; assert that nothing else is in the folder."""
    people = Gallery(folder).load()
    crops = {person.id: path.name for person in people for path in [person.anchors[0].crop] if path}
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {f"{person}/{name}" for person, crop in crops.items() for name in (record.FILE, crop)}
    return crops


def file(number: int) -> str:
    """Return the name of a crop."""
    return encode(crop(number))[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a gallery of ada and bob."""
    Gallery(tmp_path / "people").merge([entry("ada", 0), entry("bob", 1)])
    return tmp_path / "people"


def test_the_next_reader_finishes_what_was_committed(folder: Path) -> None:
    """As after a power cut: everybody is changed or added, and no former crop is left."""
    before = Store(folder, {}).revision()
    with Store(folder, {}).locked():
        Journal(folder).commit([entry("ada", 2), entry("bob", 3), entry("eve", 4)])
    assert Store(folder, {}).revision() != before
    assert known(folder) == {"ada": file(2), "bob": file(3), "eve": file(4)}


def test_a_change_of_many_files_is_written_whole(folder: Path) -> None:
    """They are synced together; a person is changed and others are added."""
    with Store(folder, {}).locked():
        Journal(folder).commit([entry("ada", 2), *(entry(f"p{number}", number) for number in range(3, 40))])
    assert known(folder) == {"ada": file(2), "bob": file(1)} | {f"p{n}": file(n) for n in range(3, 40)}


def test_whatever_a_kill_left_is_cleared_by_the_next_reader(folder: Path) -> None:
    """Neither a change that did not take place nor a half erased person leaves a face on the disk."""
    for name in (".new/added/eve", ".gone-cyd"):
        (folder / name).mkdir(parents=True)
        (folder / name / file(5)).write_bytes(encode(crop(5))[1])
    assert known(folder) == {"ada": file(0), "bob": file(1)}


def test_a_reader_does_not_wait_for_a_writer_at_work(folder: Path) -> None:
    """It reads what is in place, and touches nothing of the writer."""
    with Store(folder, {}).locked():
        Journal(folder).commit([entry("eve", 4)])
        assert [each.id for each in Store(folder, {}, reader_timeout_s=0.0).load()] == ["ada", "bob"]
    assert sorted(known(folder)) == ["ada", "bob", "eve"]


def test_what_an_older_version_changed_meanwhile_stays(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It does not know about committed changes: whom it changed, removed or added stays so."""
    with Store(folder, {}).locked():
        Journal(folder).commit([entry("ada", 2), entry("bob", 3), entry("eve", 4), entry("fay", 6)])
    write_entry(folder, entry("ada", 7))
    shutil.rmtree(folder / "bob")
    (folder / "eve").mkdir()
    write_entry(folder, entry("eve", 8))
    with caplog.at_level(logging.WARNING):
        assert known(folder) == {"ada": file(7), "eve": file(8), "fay": file(6)}
    assert sorted(line.split(" was changed")[0].rsplit("/")[-1] for line in caplog.messages) == ["ada", "bob", "eve"]


def write_entry(folder: Path, new: Entry) -> None:
    """Write a person as version 0.1.0 does."""
    home = folder / new.person.id
    for path in home.iterdir():
        path.unlink()
    for name, content in new.crops.items():
        write_privately(home / name, content)
    write_privately(home / record.FILE, record.encode(new.person))


def test_a_change_that_cannot_be_finished_is_finished_later(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """As when the disk fills up: the error says so, reading goes on, and the next reader that can completes it."""
    obstacle = folder / "ada" / file(2)
    obstacle.mkdir()
    store = Store(folder, {})
    with pytest.raises(PeopleError, match="the change is stored, but not complete: the next"), store.locked():
        store.put([entry("ada", 2), entry("eve", 4)])
    with caplog.at_level(logging.WARNING):
        assert [each.id for each in Gallery(folder).load()] == ["ada", "bob", "eve"]
    assert "an interrupted change is not completed yet" in caplog.text
    obstacle.rmdir()
    assert known(folder) == {"ada": file(2), "bob": file(1), "eve": file(4)}


@pytest.mark.parametrize("link", [True, False])
def test_nothing_is_written_through_a_link_or_into_a_file(folder: Path, *, link: bool) -> None:
    """The line names it, and nobody else is changed."""
    place = folder / "eve"
    if link:
        (folder.parent / "elsewhere").mkdir()
        place.symlink_to(folder.parent / "elsewhere")
    else:
        place.touch()
    kind = "a link" if link else "a file"
    with Store(folder, {}).locked(), pytest.raises(WrongKindError, match=f"eve: it must be a folder, but it is {kind}"):
        Journal(folder).commit([entry("ada", 2), entry("eve", 4)])
    place.unlink()
    assert known(folder) == {"ada": file(0), "bob": file(1)}


def test_a_damaged_staged_record_leaves_the_person_as_they_are(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A bad disk costs the change, not the person."""
    with Store(folder, {}).locked():
        Journal(folder).commit([entry("ada", 2)])
    (folder / ".commit" / "changed" / "ada" / record.FILE).write_bytes(b"{")
    with caplog.at_level(logging.ERROR):
        assert known(folder) == {"ada": file(0), "bob": file(1)}
    assert "is damaged" in caplog.text


@pytest.mark.parametrize("name", ["ada", "eve"])
def test_a_person_whose_change_is_not_finished_is_erased_with_it(folder: Path, name: str) -> None:
    """A committed change counts: the person is enrolled, and none of their faces stays behind."""
    with Store(folder, {}).locked():
        Journal(folder).commit([entry(name, 2)])
    remove(folder, name)
    assert not [path for path in folder.rglob("*") if name in path.name or path.name == file(2)]


def test_a_change_of_the_first_version_that_was_killed_is_erased(folder: Path) -> None:
    """It has the folders of the people directly in its own."""
    (folder / ".new" / "ada").mkdir(parents=True)
    assert Journal(folder).folders_of("ada") == [folder / ".new" / "ada"]
    remove(folder, "ada")
    assert [path.name for path in folder.iterdir()] == ["bob"]


def test_a_link_in_place_of_a_committed_change_is_neither_followed_nor_replaced(folder: Path) -> None:
    """What it leads to stays, and the line names it."""
    (folder.parent / "elsewhere" / "added" / "eve").mkdir(parents=True)
    (folder / ".commit").symlink_to(folder.parent / "elsewhere")
    with pytest.raises(PeopleError, match=r"\.commit: it must be a folder, but it is a link"):
        Gallery(folder).merge([entry("cyd", 3)])
    assert known(folder) == {"ada": file(0), "bob": file(1)}
    assert (folder.parent / "elsewhere" / "added" / "eve").is_dir()


def test_a_record_that_another_replaced_by_a_link_is_not_followed(folder: Path) -> None:
    """The interrupted change is dropped, as for any record that was changed meanwhile; nothing waits for it."""
    with Store(folder, {}).locked():
        Journal(folder).commit([entry("ada", 2)])
    (folder / "ada" / record.FILE).unlink()
    (folder / "ada" / record.FILE).symlink_to(folder / "bob" / record.FILE)
    assert [person.id for person in Gallery(folder).load()] == ["bob"]
    assert not (folder / ".commit").exists()
