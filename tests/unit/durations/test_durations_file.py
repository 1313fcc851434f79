"""What is kept over restarts: private, bounded, complete or absent, and free of whoever was erased."""

import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from full_disk import full_disk
from makers import face, instant

from node.clock import Boot
from node.domain import Instant
from node.durations.file import FILE, DurationsFile
from node.durations.keeper import Keeper
from node.durations.record import MAX_BYTES, MAX_VISITS, Record, decode, encode
from node.events.durations import Durations, LastFace, RuleRecord, VisitRecord


def visit(person: str | None = "ada", gone_s: float | None = None) -> VisitRecord:
    """Return a visit of somebody in view, or who is gone."""
    gone = None if gone_s is None else instant(gone_s)
    seen = LastFace(instant(9), 3, face().box, 0.9) if gone is None else None
    return VisitRecord(person, instant(1), gone, gone, reported=gone is None, face=seen)


RULE = RuleRecord("night", "loiter", active=True, raised=instant(5), held_since=instant(2), person="ada")
DURATIONS = Durations((visit("bob", 7), visit(), visit(None)), (RULE,))
RECORD = Record(DURATIONS, instant(10), "boot", clean=True)


class OneBoot:
    """A machine that is never rebooted."""

    def boot(self) -> Boot:
        """Return the boot."""
        return Boot("boot", 100.0)


def keeper(folder: Path, puts: int = 0) -> Keeper:
    """Return a keeper of a new start, whose outbox has had so many puts."""
    return Keeper(DurationsFile(folder), OneBoot(), puts)


def test_what_is_kept_is_read_again() -> None:
    """Every moment, visit and rule comes back as it was."""
    found = decode(encode(RECORD))
    assert found == RECORD
    assert {each.face for each in found.durations.visits} == {each.face for each in DURATIONS.visits}


def test_no_face_is_kept() -> None:
    """A stranger is a number of moments and a box; no embedding and no picture is on the disk."""
    (stranger,) = json.loads(encode(Record(Durations((visit(None),)), instant(10), "boot", clean=True)))["durations"][
        "visits"
    ]
    assert sorted(stranger) == ["face", "gone", "left", "person", "reported", "since"]
    assert sorted(stranger["face"]) == ["box", "score", "seen", "track"]


def test_the_file_is_private_and_exists_only_while_there_is_something_to_keep(tmp_path: Path) -> None:
    """Mode 0600; a node that remembers nobody has no file."""
    file = DurationsFile(tmp_path)
    file.save(RECORD)
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert file.load() == RECORD
    file.save(replace(RECORD, durations=Durations()))
    assert list(tmp_path.iterdir()) == []
    assert file.load() is None


def test_the_file_is_bounded() -> None:
    """Of too many visits those of whoever left first are dropped; the rest is far below what is read."""
    visits = tuple(visit(f"person-{number}", number) for number in range(2 * MAX_VISITS))
    content = encode(Record(Durations((visit(), *visits)), instant(10), "boot", clean=True))
    kept = decode(content).durations.visits
    assert len(kept) == MAX_VISITS
    assert {"ada", f"person-{2 * MAX_VISITS - 1}"} <= {each.person for each in kept}
    assert len(content) < MAX_BYTES / 2


DAMAGED = {
    "empty": b"",
    "no JSON": b"{",
    "deep": b"[" * 100_000,
    "another version": encode(RECORD).replace(b'"v":1', b'"v":2'),
    "not a number": encode(RECORD).replace(b'"score":0.9', b'"score":NaN'),
    "infinite": encode(RECORD).replace(b'"score":0.9', b'"score":1e999'),
    "a bad id": encode(RECORD).replace(b'"ada"', b'"../a"'),
    "a moment that UTC does not have": encode(RECORD).replace(
        b'"wall":"2026', b'"wall":"0001-01-01T00:00:00+14:00","was":"2026'
    ),
    "no zone": encode(RECORD).replace(b'Z"', b'"'),
    "too large": b" " * (MAX_BYTES + 1),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_said_once_and_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    """The node starts as if nothing had been kept, and the next start finds no damage."""
    (tmp_path / FILE).write_bytes(content)
    made = keeper(tmp_path)
    assert made.load(instant(0), 60) == Durations()
    made.update(instant(1), Durations())
    assert keeper(tmp_path).load(instant(2), 60) == Durations()
    assert [record.message.split(" (")[0] for record in caplog.records] == [f"events: cannot read {tmp_path / FILE}"]


def test_a_link_is_not_followed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither reading nor erasing touches what somebody else put there."""
    target = tmp_path / "target"
    target.write_bytes(encode(RECORD))
    folder = tmp_path / "s"
    folder.mkdir()
    (folder / FILE).symlink_to(target)
    file = DurationsFile(folder)
    assert file.load() is None
    assert "it is a link" in caplog.text
    assert not file.names("ada")
    file.erase("ada")
    assert target.read_bytes() == encode(RECORD)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """The start of the node does not hang."""
    os.mkfifo(tmp_path / FILE)
    assert DurationsFile(tmp_path).load() is None


def test_a_person_is_erased_and_everybody_else_stays(tmp_path: Path) -> None:
    """No byte names them."""
    file = DurationsFile(tmp_path)
    file.save(RECORD)
    assert file.names("ada")
    file.erase("ada")
    assert b"ada" not in (tmp_path / FILE).read_bytes()
    assert file.load() == replace(RECORD, durations=DURATIONS.without("ada"))
    file.erase("bob")
    file.erase("nobody")
    DurationsFile(tmp_path / "none").erase("ada")


@pytest.mark.parametrize("content", [b"{", b'{"ada', b" " * (MAX_BYTES + 1)])
def test_erasing_somebody_deletes_a_damaged_file(tmp_path: Path, content: bytes) -> None:
    """It may name them."""
    (tmp_path / FILE).write_bytes(content)
    DurationsFile(tmp_path).erase("ada")
    assert list(tmp_path.iterdir()) == []


def test_a_person_is_erased_on_a_full_disk(tmp_path: Path) -> None:
    """To delete the file needs no room."""
    file = DurationsFile(tmp_path)
    file.save(RECORD)
    with full_disk():
        file.erase("ada")
    assert not (tmp_path / FILE).exists()


def test_a_disk_that_cannot_be_written_is_said_once_and_so_is_its_recovery(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The node goes on, and tries again only now and then."""
    made = keeper(tmp_path)
    made.load(instant(0), 60)
    with full_disk():
        for s in range(100):
            made.update(instant(s), DURATIONS)
    assert len(caplog.records) == 1
    assert "a restart may report again who is in view: check the disk" in caplog.text
    with caplog.at_level("INFO"):
        made.update(instant(200), DURATIONS)
    assert caplog.records[-1].message == f"events: {tmp_path / FILE} can be written again"
    assert DurationsFile(tmp_path).load() is not None


def test_changes_are_written_at_once_but_at_most_ten_within_ten_seconds(tmp_path: Path) -> None:
    """A kill finds the latest on the disk; a door that never rests wears out no memory card."""
    made = keeper(tmp_path)
    made.load(instant(0), 60)
    steps = [Durations((visit("ada", gone_s=number / 10),)) for number in range(1, 200)]
    kept = []
    for number, step in enumerate(steps):
        made.update(instant(10 + number / 10), step)
        kept.append((tmp_path / FILE).read_bytes())
    assert len(set(kept[:9])) == 9
    assert len(set(kept)) == 20
    made.update(instant(100), steps[-1])
    (latest,) = keeper(tmp_path).load(instant(101), 60).visits
    assert latest.gone is not None
    assert latest.gone.wall == instant(19.9).wall


def test_what_comes_with_messages_holds_once_the_outbox_has_them(tmp_path: Path) -> None:
    """A kill before the put finds what held before it, one after the put what holds since."""
    made = keeper(tmp_path)
    made.load(instant(0), 60)
    made.update(instant(9), Durations((visit("bob"),)))
    made.prepare(instant(10), Durations((visit("ada"),)), 5)
    assert [each.person for each in keeper(tmp_path, 4).load(instant(11), 60).visits] == ["bob"]
    for puts in (5, 6):
        assert [each.person for each in keeper(tmp_path, puts).load(instant(11), 60).visits] == ["ada"]
    made.update(instant(12), Durations((visit("bob", 11), visit("ada"))))
    assert len(keeper(tmp_path, 4).load(instant(13), 60).visits) == 2


def test_what_comes_with_messages_is_written_however_often(tmp_path: Path) -> None:
    """The outbox writes at these moments, too; a disk that cannot be written is tried only now and then."""
    made = keeper(tmp_path)
    made.load(instant(0), 60)
    for put in range(1, 50):
        made.prepare(instant(10 + put / 100), Durations((visit("ada", gone_s=put),)), put)
        assert json.loads((tmp_path / FILE).read_bytes())["put"] == put
    with full_disk():
        made.prepare(instant(11), Durations((visit("ada", gone_s=60),)), 50)
    made.prepare(instant(12), Durations((visit("ada", gone_s=61),)), 51)
    assert json.loads((tmp_path / FILE).read_bytes())["put"] == 49
    made.prepare(instant(50), Durations((visit("ada", gone_s=62),)), 52)
    assert json.loads((tmp_path / FILE).read_bytes())["put"] == 52


def test_the_last_message_of_a_visit_leaves_no_file(tmp_path: Path) -> None:
    """What held before it counts only until the outbox has it."""
    made = keeper(tmp_path)
    made.load(instant(0), 60)
    made.update(instant(9), Durations((visit(None),)))
    made.prepare(instant(10), Durations(), 1)
    assert len(keeper(tmp_path).load(instant(11), 60).visits) == 1
    made.update(instant(10), Durations())
    assert list(tmp_path.iterdir()) == []


def test_whoever_was_erased_is_not_in_what_held_before_a_message(tmp_path: Path) -> None:
    """Neither in the file nor in what is written next."""
    made = keeper(tmp_path)
    made.load(instant(0), 60)
    made.update(instant(8), Durations((visit("ada"), visit("bob"))))
    made.prepare(instant(9), Durations((visit("bob"),)), 1)
    file = DurationsFile(tmp_path)
    assert file.names("ada")
    file.erase("ada")
    assert b"ada" not in (tmp_path / FILE).read_bytes()
    made.update(instant(10), Durations((visit("ada"), visit("bob"))))
    file.erase("ada")
    made.forget("ada")
    made.prepare(instant(11), Durations((visit("bob", 11),)), 2)
    assert b"ada" not in (tmp_path / FILE).read_bytes()


def test_the_boot_time_clock_carries_a_moment_into_the_next_process(tmp_path: Path) -> None:
    """In the file it counts from the boot; what a process reads is in its own monotonic time."""
    made = keeper(tmp_path)
    made.load(instant(0), 60)
    made.update(instant(10), DURATIONS)
    content = json.loads((tmp_path / FILE).read_bytes())
    assert content["at"]["mono_s"] == 110
    assert content["boot"] == "boot"
    found = keeper(tmp_path).load(instant(12), 60)
    assert [each.since for each in found.visits] == [each.since for each in DURATIONS.visits]


def test_a_boot_without_an_id_is_never_the_same(tmp_path: Path) -> None:
    """Where the kernel does not say which boot it is, the wall clock decides."""

    class Nameless:
        def boot(self) -> Boot:
            return Boot("", 0.0)

    unsynced = Instant(instant(12).wall, 12.0, synced=False)
    made = Keeper(DurationsFile(tmp_path), Nameless())
    made.load(instant(0), 60)
    made.update(instant(10), DURATIONS)
    (here, *_) = Keeper(DurationsFile(tmp_path), Nameless()).load(unsynced, 60).visits
    assert not here.expected


def test_version_0_1_0_does_not_look_at_the_file(tmp_path: Path) -> None:
    """An update can be taken back: the name is none of its own, and nothing else in the folder changes."""
    DurationsFile(tmp_path).save(RECORD)
    assert [path.name for path in tmp_path.iterdir()] == ["durations.json"]
    assert not FILE.startswith(("outbox.db", "control.", "homeassistant.", "people"))
