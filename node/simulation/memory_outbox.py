"""Messages in -> rows that leave only when the broker has them: the outbox of a simulated node, in memory.

A real node's lies on its own disk; two thousand of them on one would measure that disk.
"""

import math
from collections.abc import Callable, Collection, Iterator, Sequence

from node.contract.message import Message
from node.contract.payloads import add_sequence
from node.outbox.rows import Row
from node.simulation.recorder import Diary, Entry

_BOOT = 1


class Memory:
    """Keep the events of one node until the broker has them, and note what becomes of each. Not thread-safe.

    Args:
        number: the node's.
        diary: where it is noted.
        live_s: seconds after which a row that waits is late.
        mono_s: seconds of the monotonic clock.
    """

    def __init__(self, number: int, diary: Diary, live_s: float, mono_s: Callable[[], float]) -> None:
        self._number, self._diary, self._live_s, self._mono_s = number, diary, live_s, mono_s
        self._rows: dict[int, Row] = {}
        self._sent_s: dict[int, float] = {}
        self._taken: set[int] = set()
        self._seq = 0

    @property
    def waiting(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    def put(self, messages: Sequence[Message]) -> None:
        """Keep events."""
        now_s = self._mono_s()
        for message in messages:
            self._seq += 1
            self._rows[self._seq] = Row(self._seq, add_sequence(message, _BOOT, self._seq), _BOOT, now_s)

    def take(self, limit: int) -> list[Row]:
        """Return the oldest that are not on their way yet, what is live before what is late."""
        if len(self._taken) == len(self._rows):
            return []
        now_s = self._mono_s()
        rows = [row.as_late() if now_s - row.put_s > self._live_s else row for row in self._resting()]
        rows = sorted(rows, key=lambda row: row.late)[:limit]
        for row in rows:
            self._taken.add(row.id)
            self._sent_s.setdefault(row.id, now_s)
        return rows

    def settle(self, ids: Collection[int]) -> None:
        """Delete what the broker has."""
        for number in ids:
            self._remove(number, taken=True)

    def release(self, ids: Collection[int] | None = None) -> None:
        """Let rows wait again, all that are on their way unless named."""
        self._taken.difference_update(list(self._taken) if ids is None else ids)

    def reject(self, row_id: int, code: int, reason: str) -> None:
        """Delete what the broker refuses for good, and count it."""
        del code
        self._diary.rejected += 1
        self._diary.end(reason)
        self._remove(row_id, taken=False)

    def give_up(self) -> None:
        """Note what still waits as what the broker never had."""
        for number in list(self._rows):
            self._remove(number, taken=False)

    def _resting(self) -> Iterator[Row]:
        return (row for row in self._rows.values() if row.id not in self._taken)

    def _remove(self, number: int, *, taken: bool) -> None:
        row = self._rows.pop(number, None)
        self._taken.discard(number)
        if row is not None:
            sent_s = self._sent_s.pop(number, math.nan)
            self._diary.note(Entry(self._number, row.id, row.put_s, sent_s, taken))
