"""What the outbox does while the disk takes nothing.

A file may not grow beyond RLIMIT_FSIZE, which any user may lower for their own process: that stands for a full disk.
"""

import json
import resource
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from brokers import TOPICS, HandClock, alert, event

from node.contract.message import Message
from node.contract.payloads import dump
from node.contract.topics import Kind
from node.outbox.outbox import Outbox
from node.outbox.rows import Row

MEMORY_ROWS = 20


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file of this process grow."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def clock() -> HandClock:
    """Return a clock that stands still."""
    return HandClock()


@pytest.fixture
def outbox(tmp_path: Path, clock: HandClock) -> Iterator[Outbox]:
    """Return an outbox with five rows on the disk."""
    with closing(Outbox(tmp_path, TOPICS, clock, memory_rows=MEMORY_ROWS)) as made:
        made.put([event(number) for number in range(5)])
        yield made


def numbers(rows: list[Row]) -> list[int]:
    """Return the numbers that the messages carry."""
    return [json.loads(row.message.payload)["number"] for row in rows]


def settle(outbox: Outbox, rows: list[Row]) -> None:
    """Say that the broker has these."""
    outbox.settle([row.id for row in rows])


def test_messages_still_come_and_go_in_order(outbox: Outbox) -> None:
    """A full disk ends neither the node nor its deliveries; what is on the disk can still be read."""
    with full_disk():
        outbox.put([event(5), alert(6)])
        assert numbers(outbox.take(100)) == [6, 0, 1, 2, 3, 4, 5]


def test_what_the_broker_has_is_not_sent_again_though_it_cannot_be_deleted(outbox: Outbox) -> None:
    """A disk that takes no delete must not make the node repeat itself."""
    with full_disk():
        settle(outbox, outbox.take(3))
        outbox.release()
        assert numbers(outbox.take(100)) == [3, 4]
        assert outbox.counts().waiting == 2


def test_memory_is_bounded_and_what_is_lost_is_counted(outbox: Outbox) -> None:
    """Events go before alerts, the oldest first."""
    with full_disk():
        outbox.put([alert(100)])
        for number in range(200, 225):
            outbox.put([event(number)])
        assert outbox.counts().dropped == 6
        assert numbers(outbox.take(100)) == [100, 0, 1, 2, 3, 4, *range(206, 225)]


def test_it_is_said_once_and_so_is_the_recovery(
    outbox: Outbox, clock: HandClock, caplog: pytest.LogCaptureFixture
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


def test_after_the_recovery_everything_is_on_the_disk(tmp_path: Path, outbox: Outbox, clock: HandClock) -> None:
    """What was put meanwhile survives the next restart, in order; what was delivered meanwhile is gone."""
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


def test_a_disk_that_recovers_before_the_end_loses_nothing(tmp_path: Path, outbox: Outbox, clock: HandClock) -> None:
    """Closing tries the disk once more, however short the time since it failed."""
    with full_disk():
        outbox.put([event(5)])
    outbox.close()
    with closing(Outbox(tmp_path, TOPICS, clock)) as again:
        assert numbers(again.take(100)) == [0, 1, 2, 3, 4, 5]


def test_what_is_lost_with_the_process_is_said(outbox: Outbox, caplog: pytest.LogCaptureFixture) -> None:
    """Memory ends with the process: the log says how much went with it."""
    with full_disk():
        outbox.put([event(5), event(6)])
        outbox.close()
    assert "unsent messages were lost: the disk is not writable (messages: 2)" in caplog.records[-1].message


def test_a_node_starts_on_a_full_disk(tmp_path: Path, clock: HandClock) -> None:
    """The file cannot even be made; counting begins in memory and goes on when it can."""
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


def test_a_node_that_starts_on_a_full_disk_keeps_what_waits_there(
    tmp_path: Path, outbox: Outbox, clock: HandClock
) -> None:
    """Rows of the earlier start are read, delivered and not forgotten, and boot is counted."""
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


def test_damage_while_it_runs_loses_what_is_damaged_and_counts_it(
    tmp_path: Path, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    """A dying card must not end the node: a new file is begun and what cannot be read is counted as dropped."""
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


def test_who_is_erased_while_the_disk_takes_nothing_is_erased_when_it_does(tmp_path: Path, clock: HandClock) -> None:
    """Rejected messages about them too: nobody erases twice."""
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
