"""Erasing a person: whatever ends the process on the way, the next one finishes it before anything is sent."""

import logging
import stat
from contextlib import closing
from pathlib import Path

import pytest
from fake_link import TOPICS
from full_disk import full_disk
from makers import face, instant
from manual_clock import ManualClock
from samples import crop, sample

from node.contract.payloads import encode
from node.domain import Alert, AlertState, Event, EventType, Match
from node.durations.file import FILE as DURATIONS_FILE
from node.durations.file import DurationsFile
from node.durations.record import Record
from node.errors import PeopleError
from node.events.durations import Durations, LastFace, RuleRecord, VisitRecord
from node.outbox.outbox import Outbox
from node.people.erasure import Erasure
from node.people.gallery import Gallery
from node.people.store import Store

ID = "xqz-17"
STEPS = ("begin", "begun", "forget", "files", "delete", "deleted", "end")


class KilledError(BaseException):
    """Ends a process in a test as a kill does: nothing catches it."""


class Kill:
    """Raises at one step, and counts the steps."""

    def __init__(self, step: str = "") -> None:
        self._step = step

    def at(self, step: str) -> None:
        """Be killed, if this is the step."""
        if step == self._step:
            raise KilledError(step)


class KilledStore(Store):
    """A store whose process is killed at a step."""

    def __init__(self, folder: Path, kill: Kill) -> None:
        super().__init__(folder, {})
        self._kill = kill

    def begin_erasing(self, person: str) -> None:
        """Mark the person, with a kill before or after."""
        self._kill.at("begin")
        super().begin_erasing(person)
        self._kill.at("begun")

    def delete(self, person: str) -> None:
        """Erase the files, with a kill before or after."""
        self._kill.at("files")
        if self._step_is_within():
            (self.folder / person).rename(self.folder / f".gone-{person}")
            self._kill.at("delete")
        super().delete(person)
        self._kill.at("deleted")

    def end_erasing(self, person: str) -> None:
        """Remove the mark, with a kill before."""
        self._kill.at("end")
        super().end_erasing(person)

    def _step_is_within(self) -> bool:
        try:
            self._kill.at("delete")
        except KilledError:
            return True
        return False


def about(person: str | None) -> Event:
    """Return an event about somebody."""
    return Event(EventType.RECOGNIZED, instant(0), 1, face().box, Match(person, 0.9) if person else None)


RULE = RuleRecord("door", "loiter", active=True, raised=instant(0), held_since=None, person=ID)


def visit(person: str) -> VisitRecord:
    """Return the visit of somebody in view."""
    last = LastFace(instant(0), 1, face().box, 0.9)
    return VisitRecord(person, instant(0), None, None, reported=True, face=last)


@pytest.fixture
def storage(tmp_path: Path) -> Path:
    """Return a storage folder with everything that a node can have of a person, and of another."""
    gallery = Gallery(tmp_path / "people")
    gallery.add(ID, "Ada", "s", [sample(1, 0, crop=crop(1))])
    (tmp_path / "people" / ID / "person.json").write_bytes(b"{")
    gallery.load()
    gallery.add(ID, "Ada", "s", [sample(1, 0, crop=crop(1))])
    gallery.reject(ID, "s", sample(1, 1, crop=crop(2)))
    gallery.add("bob", None, "s", [sample(0, 1, crop=crop(3))])
    with closing(outbox(tmp_path)) as made:
        made.put(
            encode(
                [about(ID), about("bob"), about(ID)],
                [Alert("r", AlertState.RAISED, instant(0), person=ID)],
                TOPICS,
                "0",
            )
        )
        made.reject(made.take(1)[0].id, 0x87, "not allowed")
    DurationsFile(tmp_path).save(Record(Durations((visit(ID), visit("bob")), (RULE,)), instant(9), "b", clean=False))
    (tmp_path / "outbox.db.damaged-20260101T000000").write_bytes(b"\0" * 9000 + f'"{ID}"'.encode())
    (tmp_path / "outbox.db.damaged-20260101T000000-wal").write_bytes(f'"{ID}"'.encode())
    return tmp_path


def outbox(folder: Path) -> Outbox:
    """Return the outbox in a folder."""
    return Outbox(folder, TOPICS, ManualClock())


def erasure(storage: Path, messages: Outbox | None = None) -> Erasure:
    """Return what erases people from a storage folder."""
    return Erasure(Store(storage / "people", {}), messages, kept=(DurationsFile(storage),))


def traces(storage: Path) -> list[str]:
    """Return the files and folders whose name or content names the person."""
    return [
        str(path)
        for path in storage.rglob("*")
        if ID in path.name or (path.is_file() and ID.encode() in path.read_bytes())
    ]


def test_no_trace_of_an_erased_person_is_left_and_everything_of_others_is(storage: Path) -> None:
    """Files, set-aside entries, waiting and refused messages, damaged files of messages, visits and alerts."""
    assert traces(storage)
    with closing(outbox(storage)) as made:
        erasure(storage, made).erase(ID)
        assert [row.message.payload.count(b"bob") for row in made.take(9)] == [1]
    assert traces(storage) == []
    assert [person.id for person in Gallery(storage / "people").load()] == ["bob"]
    assert len(list((storage / "people").rglob("*.png"))) == 1
    kept = DurationsFile(storage).load()
    assert kept is not None
    assert [each.person for each in kept.durations.visits] == ["bob"]
    assert [(each.rule, each.active) for each in kept.durations.rules] == [("door", True)]


def test_somebody_named_in_the_durations_alone_can_be_erased(storage: Path) -> None:
    """Version 0.1.0, which does not know the file, may have erased the rest."""
    with closing(outbox(storage)) as made:
        Erasure(Store(storage / "people", {}), made).erase(ID)
        assert traces(storage) == [str(storage / DURATIONS_FILE)]
        assert erasure(storage, made).stored(ID)
        erasure(storage, made).erase(ID)
    assert traces(storage) == []


def test_durations_that_cannot_be_removed_keep_the_erasure_pending(storage: Path) -> None:
    """The error says where and what to do; the next try finishes it."""

    class Stuck(DurationsFile):
        def erase(self, person: str) -> None:
            raise OSError(30, f"Read-only file system ({person})", str(self.path))

    stuck = Erasure(Store(storage / "people", {}), kept=(Stuck(storage),))
    with pytest.raises(PeopleError, match=rf"{DURATIONS_FILE}: Read-only .*storage.dir must be readable and writable"):
        stuck.erase(ID)
    assert erasure(storage).pending(ID)
    with closing(outbox(storage)) as made:
        erasure(storage, made).advance(0.0)
    assert traces(storage) == []


@pytest.mark.parametrize("step", STEPS)
def test_a_removal_that_is_killed_is_finished_by_the_next_start(storage: Path, step: str) -> None:
    """Before the mark nothing is erased; from the mark on everything is, and the person is not loaded meanwhile."""
    before = sorted(traces(storage))
    kill = Kill(step)
    with closing(outbox(storage)) as made:
        killed = Erasure(KilledStore(storage / "people", kill), made, lambda _: kill.at("forget"))
        with pytest.raises(KilledError):
            killed.erase(ID)
    if step == "begin":
        assert sorted(traces(storage)) == before
        return
    assert [person.id for person in Gallery(storage / "people").load()] == ["bob"]
    with closing(outbox(storage)) as made:
        erasure(storage, made).advance(0.0)
        assert not [row for row in made.take(9) if ID.encode() in row.message.payload]
    assert traces(storage) == []


@pytest.mark.parametrize("step", STEPS)
def test_a_removal_that_is_killed_is_finished_by_the_same_command(storage: Path, step: str) -> None:
    """Nobody is told that there is no such person while anything of them is left."""
    with closing(outbox(storage)) as made, pytest.raises(KilledError):
        Erasure(KilledStore(storage / "people", Kill(step)), made, lambda _: Kill(step).at("forget")).erase(ID)
    with closing(outbox(storage)) as made:
        erasure(storage, made).erase(ID)
        with pytest.raises(PeopleError, match="nobody is enrolled under this id"):
            erasure(storage, made).erase(ID)
    assert traces(storage) == []


def test_messages_about_somebody_who_is_not_enrolled_can_be_erased(storage: Path) -> None:
    """Version 0.1.0 may have been killed between the gallery and the outbox."""
    erasure(storage).erase(ID)
    assert traces(storage)
    with closing(outbox(storage)) as made:
        erasure(storage, made).erase(ID)
    assert traces(storage) == []


def test_a_wrong_id_deletes_no_damaged_file(storage: Path) -> None:
    """A short id may be part of any text; only a message that names it counts."""
    with closing(outbox(storage)) as made, pytest.raises(PeopleError, match="nobody is enrolled"):
        erasure(storage, made).erase("xqz")
    assert len(list(storage.glob("outbox.db.damaged-*"))) == 2


def test_whoever_is_being_erased_cannot_be_added_until_it_is_done(storage: Path) -> None:
    """Otherwise finishing the erasure would erase the new faces."""
    erasure(storage).begin(ID)
    gallery = Gallery(storage / "people")
    with pytest.raises(PeopleError, match=f"is being erased: run facenode people remove {ID} to finish that first"):
        gallery.add(ID, None, "s", [sample(1, 0)])
    with pytest.raises(PeopleError, match="nobody is enrolled"):
        gallery.ignore(ID)
    erasure(storage).advance(0.0)
    gallery.add(ID, None, "s", [sample(1, 0)])
    assert [person.id for person in gallery.load()] == ["bob", ID]


def test_on_a_full_disk_nothing_about_the_person_is_sent_and_the_rest_is_erased_later(
    storage: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The mark takes no room. The log has one line for the failure and one for its end, without the id."""
    clock = ManualClock()
    with closing(Outbox(storage, TOPICS, clock)) as made, caplog.at_level(logging.INFO):
        erasing = erasure(storage, made)
        with full_disk():
            with pytest.raises(PeopleError, match="still holds messages"):
                erasing.erase(ID)
            assert [row.message.payload.count(b"bob") for row in made.take(9)] == [1]
            erasing.advance(100.0)
            erasing.advance(200.0)
        assert any(ID in path for path in traces(storage))
        clock.advance(10)
        erasing.advance(300.0)
        assert traces(storage) == []
    logged = [record.getMessage() for record in caplog.records if record.name == "node.people.erasure"]
    assert [line for line in logged if "not erased completely" in line] == [logged[0]]
    assert "everybody who was to be erased is erased" in logged[-1]
    assert ID not in caplog.text


def test_a_file_of_messages_that_is_damaged_is_set_aside_and_deleted_at_once(storage: Path) -> None:
    """It names the person; what is set aside during the erasure must not outlive it."""
    path = storage / "outbox.db"
    content = bytearray(path.read_bytes())
    content[20:60] = b"\xff" * 40
    path.write_bytes(content)
    with closing(outbox(storage)) as made:
        erasure(storage, made).erase(ID)
    assert traces(storage) == []


def test_everything_of_a_person_in_the_gallery_is_listed(storage: Path) -> None:
    """What was set aside, too; after an interruption the line says why it is there."""
    entry, aside, kept = map(str, erasure(storage).traces(ID))
    assert entry == f"{storage / 'people' / ID}: 1 face, 1 rejected, 2 crops"
    assert aside.endswith(": a damaged entry")
    assert kept == f"{storage / DURATIONS_FILE}: a visit of theirs, or an alert about them"
    erasure(storage).begin(ID)
    assert [str(trace).rpartition(": ")[2] for trace in erasure(storage).traces(ID)[:2]] == [
        "left by a removal that was interrupted"
    ] * 2


def test_the_mark_is_private_and_0_1_0_does_not_look_at_it(storage: Path) -> None:
    """Names with a dot are nobody's entry; the mark is empty and has mode 0600."""
    erasure(storage).begin(ID)
    (mark,) = (storage / "people").glob("*.erasing")
    assert (mark.name, mark.read_bytes(), stat.S_IMODE(mark.stat().st_mode)) == (f"{ID}.erasing", b"", 0o600)


def test_the_mark_of_one_person_leaves_others_alone(storage: Path) -> None:
    """Files that are no mark are ignored, and one erasure that fails does not hold up another."""
    people = storage / "people"
    Gallery(people).add("abe", None, "s", [sample(1, 2)])
    for name in ("Not An Id.erasing", ".erasing", "x.erasing.part"):
        (people / name).touch()
    for person in ("abe", ID):
        erasure(storage).begin(person)
    (people / ".gone-abe").write_bytes(b"")  # in the way of the rename
    erasure(storage).advance(0.0)
    assert Store(people, {}).erasing() == {"abe"}
    assert [person.id for person in Gallery(people).load()] == ["bob"]
    (people / ".gone-abe").unlink()
    erasure(storage).advance(0.0)
    assert Store(people, {}).erasing() == frozenset()


def test_a_gallery_that_cannot_be_read_ends_nothing(storage: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The node goes on and tries again."""
    people = storage / "people"
    erasing = erasure(storage)
    people.rename(storage / "away")
    people.write_bytes(b"")
    erasing.advance(0.0)
    assert "Not a directory" in caplog.text
    people.unlink()
    (storage / "away").rename(people)
    erasing.advance(10.0)
