"""What the outbox drops when far more waits than its limits allow, because they were lowered."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fake_link import TOPICS, alert, event
from manual_clock import ManualClock

from node.outbox.outbox import Outbox
from node.outbox.rows import Row

MANY = 20_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with an outbox of many rows, the odd ones alerts."""
    with closing(Outbox(tmp_path, TOPICS, ManualClock())) as outbox:
        outbox.put([alert(number) if number % 2 else event(number) for number in range(MANY)])
    return tmp_path


def numbers(rows: list[Row]) -> list[int]:
    """Return the numbers that the messages carry."""
    return [json.loads(row.message.payload)["number"] for row in rows]


def trims(outbox: Outbox) -> Iterator[int]:
    """Drop slice after slice; yield how many each dropped."""
    more = True
    while more:
        before = outbox.counts().dropped
        more = outbox.trim()
        yield outbox.counts().dropped - before


def test_a_put_drops_a_slice_only(folder: Path) -> None:
    """The loop puts: it must not stop for all that waits, only for as much as takes some milliseconds."""
    with closing(Outbox(folder, TOPICS, ManualClock(), max_rows=10)) as outbox:
        outbox.put([event(-1)])
        assert 0 < outbox.counts().dropped <= 250
        assert outbox.counts().waiting + outbox.counts().dropped == MANY + 1


@pytest.mark.parametrize(("max_rows", "max_mb"), [(10, 100), (100_000, 0.0015)])
def test_slice_after_slice_is_dropped_until_the_limit_holds(folder: Path, max_rows: int, max_mb: float) -> None:
    """Alerts are dropped last; of each kind the oldest go first; all of them are counted."""
    with closing(Outbox(folder, TOPICS, ManualClock(), max_rows=max_rows, max_mb=max_mb)) as outbox:
        assert max(trims(outbox)) <= 250
        assert not outbox.trim()
        left = numbers(outbox.take(100))
        counts = outbox.counts()
    assert 5 < len(left) <= 15
    assert left == list(range(MANY - 1, 0, -2))[: len(left)][::-1]
    assert (counts.waiting, counts.dropped) == (len(left), MANY - len(left))


def test_events_are_dropped_before_alerts(folder: Path) -> None:
    """With room for the alerts alone, no alert is dropped."""
    with closing(Outbox(folder, TOPICS, ManualClock(), max_rows=MANY // 2)) as outbox:
        assert sum(trims(outbox)) == MANY // 2
        assert numbers(outbox.take(3)) == [1, 3, 5]


def test_a_start_in_the_middle_continues(folder: Path) -> None:
    """Each slice is one transaction with its count: a power cut between two loses nothing else."""
    with closing(Outbox(folder, TOPICS, ManualClock(), max_rows=10)) as outbox:
        assert [outbox.trim() for _ in range(3)] == [True] * 3
        dropped = outbox.counts().dropped
    with closing(Outbox(folder, TOPICS, ManualClock(), max_rows=10)) as outbox:
        assert outbox.counts().dropped == dropped
        assert outbox.counts().waiting == MANY - dropped
        assert sum(trims(outbox)) == MANY - dropped - 10


def test_rows_in_flight_stay(folder: Path) -> None:
    """The broker may already have them."""
    with closing(Outbox(folder, TOPICS, ManualClock(), max_rows=10)) as outbox:
        first = outbox.take(20)
        assert sum(trims(outbox)) == MANY - 20
        outbox.release()
        assert numbers(outbox.take(100)) == numbers(first)


def test_nothing_is_dropped_below_the_limits(folder: Path) -> None:
    """A limit that holds costs nothing."""
    with closing(Outbox(folder, TOPICS, ManualClock(), max_rows=MANY)) as outbox:
        assert not outbox.trim()
        assert outbox.counts().dropped == 0
