"""Drafts in -> rows that leave only when the broker has them: the outbox of a simulated node, in memory.

A real node's lies on its own disk; two thousand of them on one would measure that disk.
"""

import math
from collections.abc import Callable, Collection, Iterator, Sequence

from node.contract.payloads import Draft, render
from node.outbox.rows import Parcel, Row
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

    def put(self, drafts: Sequence[Draft]) -> None:
        """Keep events."""
        now_s = self._mono_s()
        for draft in drafts:
            self._seq += 1
            self._rows[self._seq] = Row(
                self._seq, draft.kind, draft.name, render(draft, _BOOT, self._seq), _BOOT, now_s
            )

    def take(self, limit: int) -> list[Parcel]:
        """Return the oldest that are not on their way yet, what is live before what is late."""
        if len(self._taken) == len(self._rows):
            return []
        now_s = self._mono_s()
        parcels = [Parcel(row, now_s - row.put_s > self._live_s) for row in self._resting()]
        parcels = sorted(parcels, key=lambda parcel: parcel.late)[:limit]
        for parcel in parcels:
            self._taken.add(parcel.row.id)
            self._sent_s.setdefault(parcel.row.id, now_s)
        return parcels

    def settle(self, ids: Collection[int]) -> None:
        """Delete what the broker has."""
        for number in ids:
            self._remove(number, taken=True)

    def release(self, ids: Collection[int] | None = None) -> None:
        """Let rows wait again, all that are on their way unless named."""
        self._taken.difference_update(list(self._taken) if ids is None else ids)

    def reject(self, number: int, code: int, sentence: str) -> None:
        """Delete what the broker refuses for good, and count it."""
        del code
        self._diary.rejected += 1
        self._diary.end(sentence)
        self._remove(number, taken=False)

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
