"""What the outbox does while the disk cannot be written.

RLIMIT_FSIZE limits the size of files, and any user may lower it for their own process: it simulates a full disk.
"""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fake_link import TOPICS, alert, event
from full_disk import full_disk
from manual_clock import ManualClock

from node.contract.message import Message
from node.contract.payloads import dump
from node.contract.topics import Kind
from node.outbox.outbox import FILE, Outbox
from node.outbox.rows import Row
from node.outbox.storage import Storage

MEMORY_ROWS = 20


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that stands still."""
    return ManualClock()


@pytest.fixture
def outbox(tmp_path: Path, clock: ManualClock) -> Iterator[Outbox]:
    """Return an outbox with five rows on the disk."""
    with closing(Outbox(tmp_path, TOPICS, clock, memory_rows=MEMORY_ROWS)) as made:
        made.put([event(number) for number in range(5)])
        yield made


def numbers(rows: list[Row]) -> list[int]:
    """Return the numbers that the messages carry."""
    return [json.loads(row.message.payload)["number"] for row in rows]


def settle(outbox: Outbox, rows: list[Row]) -> None:
    """Settle rows that the broker has."""
    outbox.settle([row.id for row in rows])


def test_messages_are_still_kept_and_delivered_in_order(outbox: Outbox) -> None:
    """A full disk stops neither the node nor its deliveries; rows on disk can still be read."""
    with full_disk():
        outbox.put([event(5), alert(6)])
        assert numbers(outbox.take(100)) == [6, 0, 1, 2, 3, 4, 5]


def test_a_delivered_row_is_not_sent_again_although_it_cannot_be_deleted(outbox: Outbox) -> None:
    """A disk that cannot delete must not make the node send rows twice."""
    with full_disk():
        settle(outbox, outbox.take(3))
        outbox.release()
        assert numbers(outbox.take(100)) == [3, 4]
        assert outbox.counts().waiting == 2


def test_memory_is_bounded_and_dropped_messages_are_counted(outbox: Outbox) -> None:
    """Events are dropped before alerts, the oldest first."""
    with full_disk():
        outbox.put([alert(100)])
        for number in range(200, 225):
            outbox.put([event(number)])
        assert outbox.counts().dropped == 6
        assert numbers(outbox.take(100)) == [100, 0, 1, 2, 3, 4, *range(206, 225)]


def test_the_failure_is_logged_once_and_so_is_the_recovery(
    outbox: Outbox, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """An hour on a full disk is two lines in the log."""
    with full_disk():
        for number in range(5, 10):
            outbox.put([event(number)])
            clock.mono_s += 10
            outbox.take(1)
    clock.mono_s += 10
    outbox.put([event(10)])
    logged = [record.message for record in caplog.records]
    assert len(logged) == 2
    assert "kept in memory" in logged[0]
    assert "messages moved there from memory: 5" in logged[1]


def test_after_the_recovery_everything_is_on_disk(tmp_path: Path, outbox: Outbox, clock: ManualClock) -> None:
    """Messages added meanwhile survive the next restart, in order; delivered ones are gone."""
    with full_disk():
        outbox.put([event(5), event(6)])
        settle(outbox, outbox.take(2))
    clock.mono_s += 10
    outbox.put([event(7)])
    outbox.close()
    with closing(Outbox(tmp_path, TOPICS, clock)) as again:
        rows = again.take(100)
        assert numbers(rows) == [2, 3, 4, 5, 6, 7]
        assert [json.loads(row.message.payload)["seq"] for row in rows] == [3, 4, 5, 6, 7, 8]
        again.put([event(8)])
        assert json.loads(again.take(1)[0].message.payload)["seq"] == 9


def test_a_disk_that_recovers_before_the_end_loses_nothing(tmp_path: Path, outbox: Outbox, clock: ManualClock) -> None:
    """Closing tries the disk once more, however short the time since it failed."""
    with full_disk():
        outbox.put([event(5)])
    outbox.close()
    with closing(Outbox(tmp_path, TOPICS, clock)) as again:
        assert numbers(again.take(100)) == [0, 1, 2, 3, 4, 5]


def test_messages_lost_with_the_process_are_logged(outbox: Outbox, caplog: pytest.LogCaptureFixture) -> None:
    """Memory ends with the process: the log says how many messages were lost."""
    with full_disk():
        outbox.put([event(5), event(6)])
        outbox.close()
    assert "unsent messages were lost: the disk is not writable (messages: 2)" in caplog.records[-1].message


def test_a_node_starts_on_a_full_disk(tmp_path: Path, clock: ManualClock) -> None:
    """The file cannot even be created; counting starts in memory and continues on disk."""
    with full_disk():
        outbox = Outbox(tmp_path / "new", TOPICS, clock)
        outbox.put([event(1)])
        assert numbers(outbox.take(10)) == [1]
        outbox.release()
    with closing(outbox):
        clock.mono_s += 10
        outbox.put([event(2)])
        assert numbers(outbox.take(10)) == [1, 2]
    with closing(Outbox(tmp_path / "new", TOPICS, clock)) as again:
        assert numbers(again.take(10)) == [1, 2]


def test_a_node_that_starts_on_a_full_disk_keeps_the_rows_there(
    tmp_path: Path, outbox: Outbox, clock: ManualClock
) -> None:
    """Rows of the earlier start are read, delivered and deleted later, and the start is counted."""
    outbox.close()
    with full_disk():
        again = Outbox(tmp_path, TOPICS, clock)
        again.put([event(5)])
        rows = again.take(100)
        assert numbers(rows) == [5, 0, 1, 2, 3, 4]
        assert again.boot == 2
        settle(again, rows)
        assert again.counts().waiting == 0
    with closing(again):
        clock.mono_s += 10
        again.put([event(6)])
    with closing(Outbox(tmp_path, TOPICS, clock)) as third:
        assert numbers(third.take(100)) == [6]
        assert third.boot == 3


def test_damage_at_run_time_loses_damaged_rows_and_counts_them(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A dying SD card must not stop the node: it starts a new file and counts unreadable rows as dropped."""
    with closing(Outbox(tmp_path, TOPICS, clock, max_mb=100)) as outbox:
        for start in range(0, 6000, 1000):
            outbox.put([event(number, padding=1000) for number in range(start, start + 1000)])
        for path in tmp_path.iterdir():
            size = path.stat().st_size
            with path.open("r+b") as file:
                file.seek(min(size, 8192))
                file.write(b"\xa5" * max(0, size - 8192))
        for number in range(6000, 6003):
            outbox.put([event(number)])
            outbox.take(10)
            outbox.release()
            clock.mono_s += 1
        fresh = numbers(outbox.take(100))
        counts = outbox.counts()
    assert fresh == sorted(fresh)
    assert fresh[-1] == 6002
    assert counts.waiting == len(fresh)
    assert counts.dropped + counts.waiting == 6003
    assert sum("set aside" in record.message for record in caplog.records) == 1
    assert len(list(tmp_path.glob("outbox.db.damaged-*"))) >= 1


def test_a_person_removed_while_the_disk_is_full_is_erased_once_it_is_writable(
    tmp_path: Path, clock: ManualClock
) -> None:
    """This includes rejected messages: nobody has to erase twice."""
    with closing(Outbox(tmp_path, TOPICS, clock)) as outbox:
        payload = dump({"v": 1, "id": "1", "person": {"id": "lovelace", "score": 0.9}})
        about = Message(TOPICS.message(Kind.EVENT, "recognized"), payload)
        outbox.put([about, about])
        outbox.reject(outbox.take(1)[0].id, 0x87, "not allowed")
        with full_disk():
            outbox.put([event(1)])
            assert outbox.erase("lovelace") == 1
            assert any(b"lovelace" in path.read_bytes() for path in tmp_path.iterdir())
        clock.mono_s += 10
        outbox.take(1)
        assert not any(b"lovelace" in path.read_bytes() for path in tmp_path.iterdir())
        assert outbox.counts().waiting == 1


def test_rows_that_could_not_be_read_at_the_erasure_are_erased_before_they_are_sent(
    tmp_path: Path, clock: ManualClock
) -> None:
    """The storage is given none of the person's rows, as where the file cannot be read; it finds them afterwards."""
    with closing(Outbox(tmp_path, TOPICS, clock)) as outbox:
        payload = dump({"v": 1, "id": "1", "person": {"id": "lovelace", "score": 0.9}})
        outbox.put([Message(TOPICS.message(Kind.EVENT, "recognized"), payload), event(1)])
    storage = Storage(tmp_path / FILE, TOPICS, clock)
    with full_disk():
        storage.erase([], "lovelace")
        assert storage.holds("lovelace")
    clock.mono_s += 10
    storage.retry()
    assert numbers(storage.late(10, 10)) == [1]
    assert (storage.holds("lovelace"), storage.count, storage.counters.dropped) == (False, 1, 1)
    assert not any(b"lovelace" in path.read_bytes() for path in tmp_path.iterdir())
    storage.close()
