"""The outbox of a simulated node: as in a real one, events without an acknowledgement are sent again."""

import json
import math

from fake_link import event
from manual_clock import ManualClock

from node.settings import MqttSettings
from node.simulation.memory_outbox import MemoryOutbox
from node.simulation.recorder import Recorder


class TimedOutbox:
    """An outbox with a clock that the test sets."""

    def __init__(self) -> None:
        self.clock, self.recorder = ManualClock(), Recorder()
        self.outbox = MemoryOutbox(7, self.recorder, MqttSettings(), lambda: self.clock.mono_s)

    def take(self, limit: int = 10) -> list[tuple[int, bool]]:
        """Take rows; return the number of each and whether it is late."""
        return [(row.id, row.late) for row in self.outbox.take(limit)]


def test_a_row_stays_until_the_broker_has_it() -> None:
    """Rows in flight when a connection ended are sent again, in order."""
    timed = TimedOutbox()
    timed.outbox.put([event(1), event(2), event(3)])
    assert timed.take(2) == [(1, False), (2, False)]
    assert timed.take() == [(3, False)]
    timed.outbox.settle([2])
    timed.outbox.release()
    assert timed.take() == [(1, False), (3, False)]
    assert timed.outbox.waiting == 2


def test_late_rows_come_after_live_ones() -> None:
    """The real outbox orders them in the same way."""
    timed = TimedOutbox()
    timed.outbox.put([event(1)])
    timed.clock.mono_s += 31
    timed.outbox.put([event(2)])
    assert timed.take() == [(2, False), (1, True)]


def test_the_sequence_number_in_the_payload_increases_by_one() -> None:
    """A subscriber sees a gap where an event is missing."""
    timed = TimedOutbox()
    timed.outbox.put([event(1), event(2)])
    assert [json.loads(row.message.payload)["seq"] for row in timed.outbox.take(2)] == [1, 2]


def test_the_record_has_the_time_of_the_first_attempt() -> None:
    """A second attempt does not make the delay look shorter."""
    timed = TimedOutbox()
    timed.outbox.put([event(1), event(2)])
    timed.take(1)
    timed.clock.mono_s += 5
    timed.outbox.release()
    timed.take(1)
    timed.outbox.settle([1])
    timed.outbox.discard_all()
    acknowledged, discarded = timed.recorder.event_records()
    assert (acknowledged.node, acknowledged.seq) == (7, 1)
    assert (acknowledged.happened_s, acknowledged.sent_s, acknowledged.acknowledged) == (1000.0, 1000.0, True)
    assert (discarded.seq, discarded.acknowledged) == (2, False)
    assert math.isnan(discarded.sent_s)


def test_a_rejected_event_is_counted() -> None:
    """It neither waits forever nor counts as lost."""
    timed = TimedOutbox()
    timed.outbox.put([event(1)])
    timed.take()
    timed.outbox.reject(1, 0x87, "the broker does not allow it")
    assert timed.outbox.waiting == 0
    assert timed.recorder.rejected == 1
