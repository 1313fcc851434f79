"""Drafts in -> rows that leave only when the broker has them, over restarts, power cuts and full disks."""

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from node.clock import Clock
from node.contract.payloads import Draft, concerns, render
from node.contract.topics import Kind
from node.outbox.rows import Parcel, Row
from node.outbox.storage import Shelf

FILE = "outbox.db"
_BATCH, _PAGE = 32, 500

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Counts:
    """What health tells of the outbox: messages that wait, were given up, were refused for good."""

    waiting: int
    dropped: int
    rejected: int


class Outbox:
    """Keep messages until the broker has them. Thread-safe: one thread puts, another takes.

    A disk that is full or cannot be written degrades it to a bounded queue in memory, said once, until the disk can
    be written again. A damaged file is set aside under a name with the date, and a new one begun.

    Args:
        folder: where the file is kept; made if it is not there.
        clock: the machine's clock, not a recording's: it tells how long a row waits.
        live_s: seconds after which a row that waits is late; one of an earlier start is late at once.
        max_rows: greatest number of rows; past it the oldest events are dropped, alerts last. Rows on their way to
            the broker are never dropped.
        max_mb: greatest size of all rows, megabytes; past it the same.
        memory_rows: greatest number of rows in memory while the disk cannot be written.

    Raises:
        OutboxError: the folder may not be written, or another process uses the file.
    """

    def __init__(  # noqa: PLR0913 - each bound is a setting of its own
        self,
        folder: Path,
        clock: Clock,
        *,
        live_s: float = 30.0,
        max_rows: int = 100_000,
        max_mb: float = 100,
        memory_rows: int = 1000,
    ) -> None:
        self._clock, self._live_s = clock, live_s
        self._max_rows, self._max_size, self._memory_rows = max_rows, int(max_mb * 1_000_000), memory_rows
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._ring: Callable[[], None] = lambda: None
        self._taken: dict[int, Row] = {}
        self._told: set[int] = set()
        self._full = False
        self._shelf = Shelf(folder / FILE, clock)
        self._last_id = self._late_upto = self._shelf.last_id

    @property
    def boot(self) -> int:
        """How often the node has started, this time included."""
        return self._shelf.counters.boot

    def when_put(self, ring: Callable[[], None]) -> None:
        """Call `ring` after every put, from the putting thread."""
        self._ring = ring

    def put(self, drafts: Sequence[Draft]) -> None:
        """Keep messages: one transaction, on the disk on return; none at all for no messages."""
        if not drafts:
            return
        with self._lock:
            rows = [self._row(draft) for draft in drafts]
            doomed = self._surplus(rows)
            self._drop(len(doomed))
            self._shelf.write(
                [row for row in rows if row.id not in doomed],
                [row for row in doomed.values() if row.id < rows[0].id],
            )
            self._bound_memory()
        self._ring()

    def take(self, limit: int) -> list[Parcel]:
        """Return at most `limit` messages that are not on their way yet, and count them as on their way.

        First live alerts, then live events, then what is late; each oldest first.
        """
        with self._lock:
            self._shelf.mend()
            self._age()
            rows = self._in_order(limit)
            self._taken.update((row.id, row) for row in rows)
            return [Parcel(row, row.id <= self._late_upto) for row in rows]

    def settle(self, ids: Collection[int]) -> None:
        """Delete messages that the broker has, in one transaction."""
        with self._lock:
            rows = [self._taken.pop(number) for number in ids if number in self._taken]
            if rows:
                self._shelf.delete(rows)
                self._changed.notify_all()

    def release(self, ids: Collection[int] | None = None) -> None:
        """Let messages wait again, all that are on their way unless named: the broker does not have them."""
        with self._lock:
            for number in list(self._taken) if ids is None else ids:
                self._taken.pop(number, None)

    def reject(self, number: int, code: int, sentence: str) -> None:
        """Set a message aside that the broker refuses for good; each reason is logged once.

        Args:
            number: the row's id.
            code: the reason code of the broker's answer.
            sentence: the same in words.
        """
        with self._lock:
            row = self._taken.pop(number, None)
            if row is None:
                return
            self._shelf.reject(row, code)
            self._changed.notify_all()
            if code not in self._told:
                self._told.add(code)
                _log.error("outbox: %s (reason 0x%02X): such messages are counted as rejected", sentence, code)

    def erase(self, person: str) -> int:
        """Delete every message about somebody; return how many waited, counted as dropped.

        Rejected messages about them go too, and every damaged file set aside that has their id in it. What a disk
        that cannot be written keeps of them is deleted when it can be.
        """
        with self._lock:
            doomed = [row for row in self._everything() if concerns(row.payload, person)]
            for row in doomed:
                self._taken.pop(row.id, None)
            counters = self._shelf.counters
            self._shelf.counters = replace(counters, dropped=counters.dropped + len(doomed))
            self._shelf.erase(doomed, person)
            self._changed.notify_all()
            return len(doomed)

    def about(self, person: str) -> int:
        """Return how many messages about somebody wait."""
        with self._lock:
            return sum(concerns(row.payload, person) for row in self._everything())

    def counts(self) -> Counts:
        """Return how many messages wait, were dropped and were rejected."""
        with self._lock:
            counters = self._shelf.counters
            return Counts(self._shelf.count, counters.dropped, counters.rejected)

    def wait_empty(self, timeout_s: float) -> bool:
        """Wait until nothing is left; return whether that came within `timeout_s`."""
        with self._changed:
            return self._changed.wait_for(lambda: self._shelf.count == 0, timeout_s)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._shelf.close()

    def _row(self, draft: Draft) -> Row:
        self._last_id += 1
        counters = self._shelf.counters
        if draft.kind is Kind.EVENT:
            counters = self._shelf.counters = replace(counters, seq=counters.seq + 1)
        payload = render(draft, counters.boot, counters.seq)
        return Row(self._last_id, draft.kind, draft.name, payload, counters.boot, self._clock.now().mono_s)

    def _age(self) -> None:
        """Move the border between late rows and live ones: ids and put times grow together."""
        first = self._shelf.first_put_since(self._late_upto, self._clock.now().mono_s - self._live_s)
        self._late_upto = self._last_id if first is None else first - 1

    def _in_order(self, limit: int) -> list[Row]:
        upto, room = self._late_upto, limit + len(self._taken)
        rows = self._shelf.live(upto, Kind.ALERT, room)
        rows += self._shelf.live(upto, Kind.EVENT, room)
        if len(rows) < room:
            rows += self._shelf.late(upto, room)
        return [row for row in rows if row.id not in self._taken][:limit]

    def _surplus(self, new: Sequence[Row]) -> dict[int, Row]:
        """Return the rows that must go for the new ones: the oldest events, and alerts only when no event is left."""
        count = self._shelf.count + len(new) - self._max_rows
        size = self._shelf.size + sum(row.size for row in new) - self._max_size
        doomed: dict[int, Row] = {}
        for row in self._oldest(new):
            if count <= 0 and size <= 0:
                break
            doomed[row.id] = row
            count, size = count - 1, size - row.size
        return doomed

    def _oldest(self, new: Sequence[Row]) -> Iterator[Row]:
        for kind in (Kind.EVENT, Kind.ALERT):
            seen = set(self._taken)
            while rows := self._shelf.oldest(kind, seen, _BATCH):
                yield from rows
                seen.update(row.id for row in rows)
            yield from (row for row in new if row.kind is kind)

    def _everything(self) -> Iterator[Row]:
        for kind in Kind:
            last = 0
            while rows := self._shelf.live(last, kind, _PAGE):
                yield from rows
                last = rows[-1].id

    def _bound_memory(self) -> None:
        surplus = len(self._shelf.in_memory) - self._memory_rows
        if surplus > 0:
            spare = [row for row in self._shelf.in_memory if row.id not in self._taken]
            doomed = sorted(spare, key=lambda row: (row.kind is Kind.ALERT, row.id))[:surplus]
            self._drop(len(doomed))
            self._shelf.delete(doomed)

    def _drop(self, count: int) -> None:
        if count:
            counters = self._shelf.counters
            self._shelf.counters = replace(counters, dropped=counters.dropped + count)
            if not self._full:
                _log.warning("outbox: full: the oldest messages are dropped, and counted as such")
        self._full = count > 0 or (self._full and self._shelf.count > self._max_rows // 2)
