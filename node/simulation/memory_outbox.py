"""Events of a simulated node -> rows in memory that stay until the broker has acknowledged them.

A real node keeps its outbox on its own disk; two thousand outboxes on one disk would measure that disk.
"""

import math
from collections.abc import Callable, Collection, Iterator, Sequence

from node.contract.message import Message
from node.contract.payloads import add_sequence
from node.outbox.rows import Row
from node.settings import MqttSettings
from node.simulation.recorder import EventRecord, Recorder

_BOOT = 1


class MemoryOutbox:
    """Keep the events of one node until the broker has them, and record the outcome of each. Not thread-safe.

    Args:
        number: the node's number.
        recorder: records the outcomes.
        mqtt: when a waiting row is late, and when the message of a live one expires.
        mono_s: seconds of the monotonic clock.
    """

    def __init__(self, number: int, recorder: Recorder, mqtt: MqttSettings, mono_s: Callable[[], float]) -> None:
        self._number, self._recorder, self._mono_s = number, recorder, mono_s
        self._live_s, self._expire_s = mqtt.live_s, mqtt.expire_s
        self._rows: dict[int, Row] = {}
        self._sent_s: dict[int, float] = {}
        self._in_flight: set[int] = set()
        self._seq = 0

    @property
    def waiting(self) -> int:
        """The number of rows."""
        return len(self._rows)

    def put(self, messages: Sequence[Message]) -> None:
        """Add events."""
        now_s = self._mono_s()
        for message in messages:
            self._seq += 1
            self._rows[self._seq] = Row(self._seq, add_sequence(message, _BOOT, self._seq), _BOOT, now_s)

    def take(self, limit: int) -> list[Row]:
        """Return the oldest rows that are not in flight, live ones before late ones, and mark them as in flight."""
        if len(self._in_flight) == len(self._rows):
            return []
        now_s = self._mono_s()
        rows = [row.as_late() if now_s - row.put_s > self._live_s else row for row in self._waiting_rows()]
        rows = sorted(rows, key=lambda row: row.late)[:limit]
        rows = [row if row.late else row.as_live(self._expire_s) for row in rows]
        for row in rows:
            self._in_flight.add(row.id)
            self._sent_s.setdefault(row.id, now_s)
        return rows

    def settle(self, ids: Collection[int]) -> None:
        """Delete the rows that the broker has acknowledged."""
        for number in ids:
            self._remove(number, acknowledged=True)

    def release(self, ids: Collection[int] | None = None) -> None:
        """Let rows in flight wait again: the given ones, or all."""
        self._in_flight.difference_update(list(self._in_flight) if ids is None else ids)

    def reject(self, row_id: int, code: int, reason: str) -> None:
        """Delete a row that the broker refuses for good, and count it."""
        del code
        self._recorder.rejected += 1
        self._recorder.count_error(reason)
        self._remove(row_id, acknowledged=False)

    def discard_all(self) -> None:
        """Delete the remaining rows, and record them as never acknowledged."""
        for number in list(self._rows):
            self._remove(number, acknowledged=False)

    def _waiting_rows(self) -> Iterator[Row]:
        return (row for row in self._rows.values() if row.id not in self._in_flight)

    def _remove(self, number: int, *, acknowledged: bool) -> None:
        row = self._rows.pop(number, None)
        self._in_flight.discard(number)
        if row is not None:
            sent_s = self._sent_s.pop(number, math.nan)
            self._recorder.record_event(EventRecord(self._number, row.id, row.put_s, sent_s, acknowledged))
