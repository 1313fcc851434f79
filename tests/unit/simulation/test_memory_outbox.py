"""The outbox of a simulated node keeps the promise of the real one: what is not acknowledged is sent again."""

import json
import math

from brokers import HandClock, event

from node.simulation.memory_outbox import Memory
from node.simulation.recorder import Diary


class Shelf:
    """A memory with a clock that the test turns."""

    def __init__(self) -> None:
        self.clock, self.diary = HandClock(), Diary()
        self.memory = Memory(7, self.diary, 30.0, lambda: self.clock.mono_s)

    def take(self, limit: int = 10) -> list[tuple[int, bool]]:
        """Take rows and return number and lateness of each."""
        return [(row.id, row.late) for row in self.memory.take(limit)]


def test_a_row_goes_only_when_the_broker_has_it() -> None:
    """What was on its way when a connection ended is sent again, in its order."""
    shelf = Shelf()
    shelf.memory.put([event(1), event(2), event(3)])
    assert shelf.take(2) == [(1, False), (2, False)]
    assert shelf.take() == [(3, False)]
    shelf.memory.settle([2])
    shelf.memory.release()
    assert shelf.take() == [(1, False), (3, False)]
    assert shelf.memory.waiting == 2


def test_what_waited_too_long_is_late_and_comes_after_what_is_live() -> None:
    """As the real outbox orders it."""
    shelf = Shelf()
    shelf.memory.put([event(1)])
    shelf.clock.mono_s += 31
    shelf.memory.put([event(2)])
    assert shelf.take() == [(2, False), (1, True)]


def test_numbers_count_by_one_in_the_payload() -> None:
    """A subscriber sees a gap where something is missing."""
    shelf = Shelf()
    shelf.memory.put([event(1), event(2)])
    assert [json.loads(row.message.payload)["seq"] for row in shelf.memory.take(2)] == [1, 2]


def test_the_diary_tells_when_it_was_first_on_its_way() -> None:
    """A second attempt does not make the delay look shorter."""
    shelf = Shelf()
    shelf.memory.put([event(1), event(2)])
    shelf.take(1)
    shelf.clock.mono_s += 5
    shelf.memory.release()
    shelf.take(1)
    shelf.memory.settle([1])
    shelf.memory.give_up()
    taken, given_up = shelf.diary.entries()
    assert (taken.node, taken.seq, taken.happened_s, taken.sent_s, taken.taken) == (7, 1, 1000.0, 1000.0, True)
    assert (given_up.seq, given_up.taken) == (2, False)
    assert math.isnan(given_up.sent_s)


def test_what_is_refused_for_good_is_counted() -> None:
    """It neither waits for ever nor looks lost."""
    shelf = Shelf()
    shelf.memory.put([event(1)])
    shelf.take()
    shelf.memory.reject(1, 0x87, "the broker does not allow it")
    assert shelf.memory.waiting == 0
    assert shelf.diary.rejected == 1
