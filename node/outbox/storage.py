"""Rows and counters -> the disk, or a queue in memory for as long as the disk cannot be written."""

import contextlib
import errno
import logging
import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from node.clock import Clock
from node.contract.payloads import concerns
from node.contract.topics import Kind
from node.errors import OutboxError
from node.outbox.integrity import damaged
from node.outbox.rows import Counters, Row
from node.outbox.sqlite import Store, contains, salvage

_TRY_AGAIN_S = 5.0
_CANNOT_WRITE_NOW = frozenset({errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EIO})

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Shelf:
    """All rows, wherever they are. Not thread-safe; only the constructor raises for the disk's sake.

    Args:
        path: the file of the store; its folder is made if it is not there.
        clock: tells when a disk that could not be written is tried again, and dates a damaged file.

    Attributes:
        counters: what is counted for ever; saved with the next rows that are written.
        count: how many rows there are.
        size: their bytes.
        last_id: no row that was there at the start has a greater id.

    Raises:
        OutboxError: the file may not be written, or another process uses it.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path, self._clock = path, clock
        self._store: Store | None = None
        self._memory: dict[int, Row] = {}
        self._gone: set[int] = set()
        self._erasing: list[str] = []
        self._degraded = self._damaged = self._loaded = False
        self._try_s = 0.0
        self.counters = Counters()
        self.count = self.size = self.last_id = 0
        self._begin()

    @property
    def in_memory(self) -> Sequence[Row]:
        """The rows that are not on the disk, oldest first."""
        return list(self._memory.values())

    def write(self, rows: Sequence[Row], drop: Collection[Row] = ()) -> None:
        """Add rows and delete others, in one transaction that is on the disk on return if it can be written."""
        self.mend()
        self._account(rows, 1)
        self._account(drop, -1)
        ids = {row.id for row in drop}
        if not self._attempt(lambda store: store.write(self.counters, rows, ids)):
            self._memory.update((row.id, row) for row in rows)
            self._hide(ids)
            self.mend()

    def delete(self, rows: Collection[Row]) -> None:
        """Delete rows, in one transaction; what the disk cannot delete now is hidden until it can."""
        self._account(rows, -1)
        on_disk = {row.id for row in rows if self._memory.pop(row.id, None) is None}
        if on_disk and not self._attempt(lambda store: store.delete(on_disk)):
            self._hide(on_disk)

    def reject(self, row: Row, code: int) -> None:
        """Move a row to the rejected ones and count it."""
        self._account((row,), -1)
        self.counters = replace(self.counters, rejected=self.counters.rejected + 1)
        if self._memory.pop(row.id, None) is None and not self._attempt(
            lambda store: store.reject(row, code, self.counters)
        ):
            self._hide({row.id})

    def erase(self, rows: Collection[Row], person: str) -> None:
        """Delete the rows about somebody, and all else about them, so that no byte of it stays on the disk."""
        self._account(rows, -1)
        on_disk = {row.id for row in rows if self._memory.pop(row.id, None) is None}
        if not self._wipe(on_disk, person):
            self._hide(on_disk)
            self._erasing.append(person)

    def live(self, after: int, kind: Kind, limit: int) -> list[Row]:
        """Return the oldest rows of a kind whose id is greater than `after`."""
        return self._merge(
            lambda store, room: store.live(after, kind, room), lambda row: row.id > after and row.kind is kind, limit
        )

    def late(self, upto: int, limit: int) -> list[Row]:
        """Return the oldest rows whose id is not greater than `upto`."""
        return self._merge(lambda store, room: store.late(upto, room), lambda row: row.id <= upto, limit)

    def oldest(self, kind: Kind, excluded: Collection[int], limit: int) -> list[Row]:
        """Return the oldest rows of a kind, without the excluded ids."""
        return self._merge(
            lambda store, room: store.oldest(kind, excluded, room),
            lambda row: row.kind is kind and row.id not in excluded,
            limit,
        )

    def first_put_since(self, after: int, moment_s: float) -> int | None:
        """Return the least id above `after` of a row put at `moment_s` or later, None if there is none."""
        nothing: int | None = None
        first = self._read(lambda store: store.first_put_since(after, moment_s), nothing)
        if first is not None:
            return first
        return next((row.id for row in self._memory.values() if row.id > after and row.put_s >= moment_s), None)

    def mend(self, *, now: bool = False) -> None:
        """Move what is in memory to the disk, if it can be written again; tried every few seconds, or `now`."""
        if not self._degraded or (self._clock.now().mono_s < self._try_s and not now):
            return
        try:
            self._close()
            if self._damaged:
                self._set_aside()
            store = self._open()
            store.write(self.counters, self.in_memory, self._gone)
        except (sqlite3.DatabaseError, OSError) as error:
            self._degrade(error)
            return
        _log.warning("outbox: %s is written again; %d messages moved there from memory", self._path, len(self._memory))
        self._memory.clear()
        self._gone.clear()
        self._degraded = False
        self._erasing = [person for person in self._erasing if not self._wipe((), person)]

    def close(self) -> None:
        """Close the file; what is only in memory is written first, if it can be."""
        self.mend(now=True)
        if self._memory:
            _log.error("outbox: %d messages are lost with the memory: the disk cannot be written", len(self._memory))
        if self._erasing:
            _log.error("outbox: the disk cannot be written: messages about somebody who was erased stay there")
        self._close()

    def _begin(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._open().write(self.counters)
        except sqlite3.DatabaseError as error:
            self._refuse_to_begin(error)
            self._degrade(error)
        except OSError as error:
            if error.errno not in _CANNOT_WRITE_NOW:
                raise OutboxError(
                    f"{self._path.parent}: {error.strerror}: name a folder in storage.dir that this user may write"
                ) from error
            self._degrade(error)
        self.mend()
        if not self._loaded:
            # Above all ids that a file which cannot be read now may hold.
            self.last_id = int(self._clock.now().wall.timestamp() * 1000) << 12
            self.counters = replace(self.counters, boot=max(1, self.counters.boot))

    def _refuse_to_begin(self, error: sqlite3.DatabaseError) -> None:
        """Raise if the trouble is one that waiting does not mend, unlike a full disk."""
        if damaged(error):
            return
        if "locked" in str(error):
            raise OutboxError(
                f"{self._path}: another facenode uses it: stop that one or give this one its own storage.dir"
            ) from error
        with self._path.open("ab"):
            return

    def _open(self) -> Store:
        store = self._store = Store(self._path, check=not self._loaded)
        if self._loaded:
            return store
        stored, (count, size, last) = store.counters(), store.measure()
        mine = self.counters
        self.counters = Counters(
            max(stored.boot, mine.boot) + 1,
            stored.seq + mine.seq,
            stored.dropped + mine.dropped + store.unsound,
            stored.rejected + mine.rejected,
        )
        self.count, self.size, self.last_id = self.count + count, self.size + size, last
        self._loaded = True
        if store.unsound:
            _log.error("outbox: %s: messages that were damaged are not sent: %d", self._path, store.unsound)
        return store

    def _close(self) -> None:
        if self._store is not None:
            with contextlib.suppress(sqlite3.DatabaseError):
                self._store.close()
            self._store = None

    def _attempt(self, action: Callable[[Store], None]) -> bool:
        if self._degraded or self._store is None:
            return False
        try:
            action(self._store)
        except sqlite3.DatabaseError as error:
            self._degrade(error)
            return False
        return True

    def _read(self, action: Callable[[Store], _T], otherwise: _T) -> _T:
        if self._store is None:
            return otherwise
        try:
            return action(self._store)
        except sqlite3.DatabaseError as error:
            self._degrade(error)
            return otherwise

    def _degrade(self, error: sqlite3.DatabaseError | OSError) -> None:
        """Note that the disk cannot be used for now; raise what is a mistake of ours rather than the disk's."""
        self._damaged = isinstance(error, sqlite3.DatabaseError) and damaged(error)
        if not self._damaged and not isinstance(error, OSError | sqlite3.OperationalError):
            raise error
        if not self._degraded and not self._damaged:
            _log.error("outbox: %s: %s: messages are kept in memory until it can be written", self._path, error)
        self._degraded = True
        self._try_s = self._clock.now().mono_s + (0 if self._damaged else _TRY_AGAIN_S)

    def _wipe(self, ids: Collection[int], person: str) -> bool:
        """Delete rows, rejected messages and damaged files about somebody; return whether the file could be written."""
        for path in self._path.parent.glob(f"{self._path.name}.damaged-*"):
            try:
                if contains(path, person.encode()):
                    path.unlink()
                    _log.warning("outbox: %s is deleted: it named somebody who was erased", path.name)
            except OSError as error:
                _log.error("outbox: %s may name somebody who was erased: delete it: %s", path, error.strerror)
        return self._attempt(lambda store: store.erase(ids, lambda payload: concerns(payload, person), self.counters))

    def _set_aside(self) -> None:
        aside = self._path.with_name(f"{self._path.name}.damaged-{self._clock.now().wall:%Y%m%dT%H%M%S}")
        if not self._loaded:
            self.counters = salvage(self._path)
        for end in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                self._path.with_name(self._path.name + end).rename(aside.with_name(aside.name + end))
        lost = self.count - len(self._memory)
        self.counters = replace(self.counters, dropped=self.counters.dropped + lost)
        self.count, self.size = len(self._memory), sum(row.size for row in self._memory.values())
        self._gone.clear()
        self._damaged = False
        _log.error("outbox: %s was damaged: set aside as %s; what waited in it is not sent", self._path, aside.name)

    def _merge(self, read: Callable[[Store, int], list[Row]], chosen: Callable[[Row], bool], limit: int) -> list[Row]:
        nothing: list[Row] = []
        rows = self._read(lambda store: read(store, limit + len(self._gone)), nothing)
        rows = [row for row in rows if row.id not in self._gone]
        return (rows + [row for row in self._memory.values() if chosen(row)])[:limit]

    def _hide(self, ids: Iterable[int]) -> None:
        for number in ids:
            if self._memory.pop(number, None) is None:
                self._gone.add(number)

    def _account(self, rows: Iterable[Row], sign: int) -> None:
        for row in rows:
            self.count += sign
            self.size += sign * row.size
