"""Rows and counters -> the disk, or a queue in memory while the disk cannot be written."""

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
from node.contract.topics import Kind, Topics
from node.errors import OutboxError
from node.outbox.integrity import is_damage
from node.outbox.rows import Counters, Row
from node.outbox.sqlite import Database, contains, recover_counters

_RETRY_S = 5.0
_TEMPORARY = frozenset({errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EIO})
"""Errors of a disk that may be writable again later."""

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Storage:
    """All rows, on disk or in memory. Not thread-safe. Only the constructor raises errors of the disk.

    Args:
        path: the SQLite file; its folder is created if it does not exist.
        topics: the node's topics.
        clock: decides when to retry a disk that could not be written, and dates a damaged file.

    Attributes:
        counters: the counters of all starts; saved with the next rows that are written.
        count: the number of rows.
        size: their bytes.
        last_id: the highest id of the rows that were there at the start.

    Raises:
        OutboxError: the file may not be written, or another process uses it.
    """

    def __init__(self, path: Path, topics: Topics, clock: Clock) -> None:
        self._path, self._topics, self._clock = path, topics, clock
        self._database: Database | None = None
        self._memory: dict[int, Row] = {}
        self._deleted: set[int] = set()  # ids of deleted rows that the disk still has
        self._to_erase: list[str] = []  # people whose messages the disk still has
        self._degraded = self._damaged = self._loaded = False
        self._retry_at_s = 0.0
        self.counters = Counters()
        self.count = self.size = self.last_id = 0
        self._start()

    @property
    def in_memory(self) -> Sequence[Row]:
        """The rows that are not on disk, oldest first."""
        return list(self._memory.values())

    def write(self, rows: Sequence[Row], drop: Collection[Row] = ()) -> None:
        """Add rows and delete others, in one transaction. It is on disk on return if the disk can be written."""
        self.retry()
        self._account(rows, 1)
        self._account(drop, -1)
        ids = {row.id for row in drop}
        if not self._try_write(lambda database: database.write(self.counters, rows, ids)):
            self._memory.update((row.id, row) for row in rows)
            self._hide(ids)
            self.retry()

    def delete(self, rows: Collection[Row]) -> None:
        """Delete rows, in one transaction; hide those that the disk cannot delete now until it can."""
        self._account(rows, -1)
        on_disk = {row.id for row in rows if self._memory.pop(row.id, None) is None}
        if on_disk and not self._try_write(lambda database: database.delete(on_disk)):
            self._hide(on_disk)

    def reject(self, row: Row, code: int) -> None:
        """Move a row to the rejected messages and count it."""
        self._account((row,), -1)
        self.counters = replace(self.counters, rejected=self.counters.rejected + 1)
        if self._memory.pop(row.id, None) is None and not self._try_write(
            lambda database: database.reject(row, code, self.counters)
        ):
            self._hide({row.id})

    def erase(self, rows: Collection[Row], person: str) -> None:
        """Overwrite the rows about a person, and everything else about them, so that no byte of it stays on disk."""
        self._account(rows, -1)
        on_disk = {row.id for row in rows if self._memory.pop(row.id, None) is None}
        if not self._erase_on_disk(on_disk, person):
            self._hide(on_disk)
            self._to_erase.append(person)

    def live(self, after: int, kind: Kind, limit: int) -> list[Row]:
        """Return the oldest rows of a kind whose id is greater than `after`."""
        return self._merge(
            lambda database, room: database.live(after, kind, room),
            lambda row: row.id > after and row.kind is kind,
            limit,
        )

    def late(self, upto: int, limit: int) -> list[Row]:
        """Return the oldest rows whose id is not greater than `upto`."""
        return self._merge(lambda database, room: database.late(upto, room), lambda row: row.id <= upto, limit)

    def oldest(self, kind: Kind, excluded: Collection[int], limit: int) -> list[Row]:
        """Return the oldest rows of a kind, without the excluded ids."""
        return self._merge(
            lambda database, room: database.oldest(kind, excluded, room),
            lambda row: row.kind is kind and row.id not in excluded,
            limit,
        )

    def first_put_since(self, after: int, moment_s: float) -> int | None:
        """Return the lowest id above `after` of a row added at `moment_s` or later, None if there is none."""
        nothing: int | None = None
        first = self._read(lambda database: database.first_put_since(after, moment_s), nothing)
        if first is not None:
            return first
        return next((row.id for row in self._memory.values() if row.id > after and row.put_s >= moment_s), None)

    def retry(self, *, now: bool = False) -> None:
        """Move the rows in memory to the disk if it can be written again; try every few seconds, or `now`."""
        if not self._degraded or (self._clock.now().mono_s < self._retry_at_s and not now):
            return
        try:
            self._close()
            if self._damaged:
                self._set_aside()
            database = self._open()
            database.write(self.counters, self.in_memory, self._deleted)
        except (sqlite3.DatabaseError, OSError) as error:
            self._degrade(error)
            return
        _log.warning(
            "outbox: %s is writable again; messages moved there from memory: %d", self._path, len(self._memory)
        )
        self._memory.clear()
        self._deleted.clear()
        self._degraded = False
        self._to_erase = [person for person in self._to_erase if not self._erase_on_disk((), person)]

    def close(self) -> None:
        """Close the file, after a last attempt to write the rows in memory."""
        self.retry(now=True)
        if self._memory:
            _log.error("outbox: unsent messages were lost: the disk is not writable (messages: %d)", len(self._memory))
        if self._to_erase:
            _log.error("outbox: the disk is not writable: it still holds messages about a person who was erased")
        self._close()

    def _start(self) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._open().write(self.counters)
        except sqlite3.DatabaseError as error:
            self._raise_if_permanent(error)
            self._degrade(error)
        except OSError as error:
            if error.errno not in _TEMPORARY:
                raise OutboxError(
                    f"{self._path.parent}: {error.strerror}: set storage.dir to a folder that this user may write"
                ) from error
            self._degrade(error)
        self.retry()
        if not self._loaded:
            # Higher than every id in a file that cannot be read now.
            self.last_id = int(self._clock.now().wall.timestamp() * 1000) << 12
            self.counters = replace(self.counters, boot=max(1, self.counters.boot))

    def _raise_if_permanent(self, error: sqlite3.DatabaseError) -> None:
        """Raise if waiting does not help, unlike with a full disk."""
        if is_damage(error):
            return
        if "locked" in str(error):
            raise OutboxError(
                f"{self._path}: another facenode uses it: stop that one or give this one its own storage.dir"
            ) from error
        with self._path.open("ab"):
            return

    def _open(self) -> Database:
        database = self._database = Database(self._path, self._topics, check=not self._loaded)
        if self._loaded:
            return database
        stored, (count, size, last) = database.counters(), database.measure()
        mine = self.counters
        self.counters = Counters(
            max(stored.boot, mine.boot) + 1,
            stored.seq + mine.seq,
            stored.dropped + mine.dropped + database.damaged_rows,
            stored.rejected + mine.rejected,
        )
        self.count, self.size, self.last_id = self.count + count, self.size + size, last
        self._loaded = True
        if database.damaged_rows:
            _log.error("outbox: %s: damaged messages, deleted and not sent: %d", self._path, database.damaged_rows)
        return database

    def _close(self) -> None:
        if self._database is not None:
            with contextlib.suppress(sqlite3.DatabaseError):
                self._database.close()
            self._database = None

    def _try_write(self, action: Callable[[Database], None]) -> bool:
        if self._degraded or self._database is None:
            return False
        try:
            action(self._database)
        except sqlite3.DatabaseError as error:
            self._degrade(error)
            return False
        return True

    def _read(self, action: Callable[[Database], _T], otherwise: _T) -> _T:
        if self._database is None:
            return otherwise
        try:
            return action(self._database)
        except sqlite3.DatabaseError as error:
            self._degrade(error)
            return otherwise

    def _degrade(self, error: sqlite3.DatabaseError | OSError) -> None:
        """Note that the disk cannot be used for now; raise an error that is a bug of ours, not the disk's."""
        self._damaged = isinstance(error, sqlite3.DatabaseError) and is_damage(error)
        if not self._damaged and not isinstance(error, OSError | sqlite3.OperationalError):
            raise error
        if not self._degraded and not self._damaged:
            _log.error("outbox: %s: %s: messages are kept in memory until it can be written", self._path, error)
        self._degraded = True
        self._retry_at_s = self._clock.now().mono_s + (0 if self._damaged else _RETRY_S)

    def _erase_on_disk(self, ids: Collection[int], person: str) -> bool:
        """Delete rows, rejected messages and damaged files about a person; return whether the file was written."""
        for path in self._path.parent.glob(f"{self._path.name}.damaged-*"):
            try:
                if contains(path, person.encode()):
                    path.unlink()
                    _log.warning("outbox: %s is deleted: it named a person who was erased", path.name)
            except OSError as error:
                _log.error("outbox: %s may name a person who was erased: delete it: %s", path, error.strerror)
        return self._try_write(
            lambda database: database.erase(ids, lambda payload: concerns(payload, person), self.counters)
        )

    def _set_aside(self) -> None:
        aside = self._path.with_name(f"{self._path.name}.damaged-{self._clock.now().wall:%Y%m%dT%H%M%S}")
        if not self._loaded:
            self.counters = recover_counters(self._path)
        for end in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                self._path.with_name(self._path.name + end).rename(aside.with_name(aside.name + end))
        lost = self.count - len(self._memory)
        self.counters = replace(self.counters, dropped=self.counters.dropped + lost)
        self.count, self.size = len(self._memory), sum(row.size for row in self._memory.values())
        self._deleted.clear()
        self._damaged = False
        _log.error("outbox: %s is damaged: set aside as %s; its messages are not sent", self._path, aside.name)

    def _merge(
        self, read: Callable[[Database, int], list[Row]], matches: Callable[[Row], bool], limit: int
    ) -> list[Row]:
        nothing: list[Row] = []
        rows = self._read(lambda database: read(database, limit + len(self._deleted)), nothing)
        rows = [row for row in rows if row.id not in self._deleted]
        return (rows + [row for row in self._memory.values() if matches(row)])[:limit]

    def _hide(self, ids: Iterable[int]) -> None:
        for row_id in ids:
            if self._memory.pop(row_id, None) is None:
                self._deleted.add(row_id)

    def _account(self, rows: Iterable[Row], sign: int) -> None:
        for row in rows:
            self.count += sign
            self.size += sign * row.size
