"""Messages in -> rows that leave only when the broker has them, over restarts, power cuts and full disks."""

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from node.clock import Clock
from node.contract.message import Message
from node.contract.payloads import add_sequence
from node.contract.topics import Kind, Topics, kind_and_name
from node.outbox.rows import Row
from node.outbox.sqlite import contains
from node.outbox.storage import Storage

FILE = "outbox.db"
_BATCH = 32
_SLICE = 250
"""Rows dropped at a time, so that nobody waits long for the disk."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Counts:
    """The figures of the outbox in `health`: messages that wait, were dropped, and were refused for good."""

    waiting: int
    dropped: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Traces:
    """What the outbox has about a person.

    Attributes:
        waiting: how many messages wait for the broker.
        rejected: how many it refused, of those that are kept.
        files: damaged files set aside that contain the id.
    """

    waiting: int
    rejected: int
    files: tuple[Path, ...]


class Outbox:
    """Keep messages until the broker has them. Thread-safe: one thread puts, another takes.

    While the disk is full or cannot be written, the outbox keeps messages in a bounded queue in memory and logs that
    once. It sets a damaged file aside under a name with the date, and starts a new one.

    Args:
        folder: the folder of the file; created if it does not exist.
        topics: the node's topics.
        clock: the machine's clock, not a recording's: it measures how long a row waits.
        live_s: seconds after which a waiting row is late; a row of an earlier start is late at once.
        expire_s: seconds after which a broker drops the message of a live row. Late messages never expire.
        max_rows: the maximum number of rows. Above it the oldest events are dropped, and alerts last. Rows in flight
            are never dropped. Where far more rows wait, because the limit was lowered, `put` and `trim` drop them in
            slices.
        max_mb: the maximum size of all rows in megabytes, with the same effect.
        memory_rows: the maximum number of rows in memory while the disk cannot be written.

    Raises:
        OutboxError: the folder may not be written, or another process uses the file.
    """

    def __init__(  # noqa: PLR0913 - each limit is a setting of its own
        self,
        folder: Path,
        topics: Topics,
        clock: Clock,
        *,
        live_s: float = 30.0,
        expire_s: int = 30 * 24 * 3600,
        max_rows: int = 100_000,
        max_mb: float = 100,
        memory_rows: int = 1000,
    ) -> None:
        self._clock, self._live_s, self._expire_s = clock, live_s, expire_s
        self._max_rows, self._max_size, self._memory_rows = max_rows, int(max_mb * 1_000_000), memory_rows
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._notify: Callable[[], None] = lambda: None
        self._in_flight: dict[int, Row] = {}
        self._logged_codes: set[int] = set()
        self._full = False
        self._storage = Storage(folder / FILE, topics, clock)
        self._last_id = self._late_upto = self._storage.last_id

    @property
    def boot(self) -> int:
        """How often the node has started, this start included."""
        return self._storage.counters.boot

    @property
    def puts(self) -> int:
        """How often messages were put, over all starts: the disk has this number if and only if it has the messages."""
        with self._lock:
            return self._storage.counters.puts

    def on_put(self, notify: Callable[[], None]) -> None:
        """Call `notify` after every put, from the thread that puts."""
        self._notify = notify

    def put(self, messages: Sequence[Message]) -> None:
        """Keep events and alerts, in one transaction that is on disk on return; none for no messages.

        Events get the start count and the next sequence number in their payload.
        """
        if not messages:
            return
        with self._lock:
            rows = [self._row(message) for message in messages]
            counters = self._storage.counters
            self._storage.counters = replace(counters, puts=counters.puts + 1)
            surplus = self._surplus(rows)
            self._count_dropped(len(surplus))
            self._storage.write(
                [row for row in rows if row.id not in surplus],
                [row for row in surplus.values() if row.id < rows[0].id],
            )
            self._limit_memory()
        self._notify()

    def trim(self) -> bool:
        """Drop rows above the limits, one slice in one transaction; return whether there are more to drop."""
        with self._lock:
            if not self._storage.writable:  # what cannot be deleted frees nothing
                return False
            surplus = self._surplus(())
            if not surplus:
                return False
            self._count_dropped(len(surplus))
            self._storage.drop(surplus.values())
            return len(surplus) == _SLICE

    def take(self, limit: int) -> list[Row]:
        """Return at most `limit` rows that are not in flight, and mark them as in flight.

        Live alerts come first, then live events, then late rows; each oldest first.
        """
        with self._lock:
            self._storage.retry()
            self._update_late()
            rows = self._in_order(limit)
            self._in_flight.update((row.id, row) for row in rows)
            return rows

    def settle(self, ids: Collection[int]) -> None:
        """Delete rows that the broker has, in one transaction."""
        with self._lock:
            rows = [self._in_flight.pop(row_id) for row_id in ids if row_id in self._in_flight]
            if rows:
                self._storage.delete(rows)
                self._changed.notify_all()

    def release(self, ids: Collection[int] | None = None) -> None:
        """Put rows back that are in flight (all of them by default), because the broker does not have them."""
        with self._lock:
            for row_id in list(self._in_flight) if ids is None else ids:
                self._in_flight.pop(row_id, None)

    def reject(self, row_id: int, code: int, reason: str) -> None:
        """Set a row aside that the broker refuses for good; log each reason code once.

        Args:
            row_id: the row's id.
            code: the reason code of the broker's answer.
            reason: the same as a sentence.
        """
        with self._lock:
            row = self._in_flight.pop(row_id, None)
            if row is None:
                return
            self._storage.reject(row, code)
            self._changed.notify_all()
            if code not in self._logged_codes:
                self._logged_codes.add(code)
                _log.error("outbox: %s (reason 0x%02X): such messages are counted as rejected", reason, code)

    def erase(self, person: str) -> int:
        """Delete every message about a person; return how many waited, counted as dropped.

        Their rejected messages go too, and so does every damaged file set aside that contains their id. What a disk
        that cannot be written still holds of them is deleted when it can be written again.
        """
        with self._lock:
            rows = self._storage.about(person)
            for row in rows:
                self._in_flight.pop(row.id, None)
            counters = self._storage.counters
            self._storage.counters = replace(counters, dropped=counters.dropped + len(rows))
            self._storage.erase(rows, person)
            self._storage.retry()  # a damaged file is set aside at once, and erased from
            self._changed.notify_all()
            return len(rows)

    def holds(self, person: str) -> bool:
        """Return whether the disk may still hold something that `erase` was to erase."""
        with self._lock:
            return self._storage.holds(person)

    def traces(self, person: str) -> Traces:
        """Return what `erase` would erase."""
        with self._lock:
            return Traces(
                len(self._storage.about(person)),
                self._storage.count_rejected(person),
                tuple(self._storage.damaged_files(person)),
            )

    def names(self, person: str) -> bool:
        """Return whether a message names a person, one in a damaged file that was set aside included."""
        traces = self.traces(person)
        quoted = f'"{person}"'.encode()  # a short id may be part of any other text
        return bool(traces.waiting or traces.rejected) or any(contains(path, quoted) for path in traces.files)

    def counts(self) -> Counts:
        """Return how many messages wait, were dropped and were rejected."""
        with self._lock:
            counters = self._storage.counters
            return Counts(self._storage.count, counters.dropped, counters.rejected)

    def wait_empty(self, timeout_s: float) -> bool:
        """Wait until the outbox is empty; return whether it was within `timeout_s`."""
        with self._changed:
            return self._changed.wait_for(lambda: self._storage.count == 0, timeout_s)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._storage.close()

    def _row(self, message: Message) -> Row:
        self._last_id += 1
        counters = self._storage.counters
        if kind_and_name(message.topic)[0] is Kind.EVENT:
            counters = self._storage.counters = replace(counters, seq=counters.seq + 1)
        numbered = add_sequence(message, counters.boot, counters.seq)
        return Row(self._last_id, numbered, counters.boot, self._clock.now().mono_s)

    def _update_late(self) -> None:
        """Move the border between late and live rows: ids and put times grow together."""
        first = self._storage.first_put_since(self._late_upto, self._clock.now().mono_s - self._live_s)
        self._late_upto = self._last_id if first is None else first - 1

    def _in_order(self, limit: int) -> list[Row]:
        upto, room = self._late_upto, limit + len(self._in_flight)
        live = (*self._storage.live(upto, Kind.ALERT, room), *self._storage.live(upto, Kind.EVENT, room))
        rows = [row.as_live(self._expire_s) for row in live]
        if len(rows) < room:
            rows += [row.as_late() for row in self._storage.late(upto, room)]
        return [row for row in rows if row.id not in self._in_flight][:limit]

    def _surplus(self, new: Sequence[Row]) -> dict[int, Row]:
        """Return the rows to drop for the new ones: the oldest events, and alerts only when no event is left.

        They are at most a slice or, while the disk cannot be written, as many as the new ones.
        """
        count = self._storage.count + len(new) - self._max_rows
        size = self._storage.size + sum(row.size for row in new) - self._max_size
        most = max(len(new), _SLICE if self._storage.writable else 0)
        surplus: dict[int, Row] = {}
        if count > 0 or size > 0:
            for row in self._drop_order(new):
                surplus[row.id] = row
                count, size = count - 1, size - row.size
                if (count <= 0 and size <= 0) or len(surplus) >= most:
                    break
        return surplus

    def _drop_order(self, new: Sequence[Row]) -> Iterator[Row]:
        for kind in (Kind.EVENT, Kind.ALERT):
            last = 0
            while rows := self._storage.live(last, kind, _BATCH):
                yield from (row for row in rows if row.id not in self._in_flight)
                last = rows[-1].id
            yield from (row for row in new if row.kind is kind)

    def _limit_memory(self) -> None:
        excess = len(self._storage.in_memory) - self._memory_rows
        if excess > 0:
            waiting = [row for row in self._storage.in_memory if row.id not in self._in_flight]
            surplus = sorted(waiting, key=lambda row: (row.kind is Kind.ALERT, row.id))[:excess]
            self._count_dropped(len(surplus))
            self._storage.delete(surplus)

    def _count_dropped(self, count: int) -> None:
        if count:
            counters = self._storage.counters
            self._storage.counters = replace(counters, dropped=counters.dropped + count)
            if not self._full:
                _log.warning("outbox: full: dropping the oldest messages; health counts them as dropped")
        self._full = count > 0 or (self._full and self._storage.count > self._max_rows // 2)
