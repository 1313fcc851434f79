"""Rows and counters -> the disk, or a queue in memory while the disk cannot be written."""

import contextlib
import errno
import logging
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from node.clock import Clock
from node.contract.payloads import concerns
from node.contract.topics import Kind, Topics
from node.errors import OutboxError
from node.outbox.database_files import IrregularFileError, move_aside
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
        self._to_erase: set[str] = set()  # people of whom the disk still has something
        self._degraded = self._damaged = self._loaded = False
        self._retry_at_s = 0.0
        self.counters = Counters()
        self.count = self.size = self.last_id = 0
        self._start()

    @property
    def in_memory(self) -> Sequence[Row]:
        """The rows that are not on disk, oldest first."""
        return list(self._memory.values())

    @property
    def writable(self) -> bool:
        """Whether the disk could be written the last time."""
        return not self._degraded

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
        self._delete(rows, None)

    def drop(self, rows: Collection[Row]) -> None:
        """Delete rows as `delete` does, and save the counters in the same transaction."""
        self._delete(rows, self.counters)

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
        self._erase_on_disk(on_disk, person)

    def holds(self, person: str) -> bool:
        """Return whether the disk may still hold something that was to be erased."""
        return person in self._to_erase

    def about(self, person: str) -> list[Row]:
        """Return all rows about a person."""
        nothing: list[Row] = []
        rows = self._read(lambda database: database.rows_about(person), nothing)
        rows = [row for row in rows if row.id not in self._deleted]
        return rows + [row for row in self._memory.values() if concerns(row.message.payload, person)]

    def count_rejected(self, person: str) -> int:
        """Return how many of the rejected messages that are kept are about a person."""
        return self._read(lambda database: len(database.rejected_about(person)), 0)

    def damaged_files(self, person: str) -> Iterator[Path]:
        """Yield the damaged files set aside that contain the id of a person, or cannot be read."""
        for path in sorted(self._path.parent.glob(f"{self._path.name}.damaged-*")):
            try:
                if not contains(path, person.encode()):
                    continue
            except OSError:
                pass  # nobody can tell what such a file holds
            yield path

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
        for person in sorted(self._to_erase):
            self._erase_again(person)

    def close(self) -> None:
        """Close the file, after a last attempt to write the rows in memory."""
        self.retry(now=True)
        if self._memory:
            _log.error("outbox: unsent messages were lost: the disk is not writable (messages: %d)", len(self._memory))
        if self._to_erase:
            _log.error("outbox: the disk is not writable: it still holds messages about a person who was erased")
        self._close()

    def _delete(self, rows: Collection[Row], counters: Counters | None) -> None:
        self._account(rows, -1)
        on_disk = {row.id for row in rows if self._memory.pop(row.id, None) is None}
        if on_disk and not self._try_write(lambda database: database.delete(on_disk, counters)):
            self._hide(on_disk)

    def _start(self) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._open().write(self.counters)
        except sqlite3.DatabaseError as error:
            self._raise_if_permanent(error)
            self._degrade(error)
        except IrregularFileError as error:
            raise OutboxError(str(error)) from error
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
        try:
            self._path.open("ab").close()
        except OSError as cause:
            if cause.errno not in _TEMPORARY:
                raise OutboxError(f"{self._path}: {cause.strerror}: let this user write it") from error

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
            stored.puts + mine.puts,
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

    def _erase_again(self, person: str) -> None:
        """Erase what the disk has of a person, with rows that could not be read when the person was erased."""
        rows = self.about(person)
        self._account(rows, -1)
        self.counters = replace(self.counters, dropped=self.counters.dropped + len(rows))
        self._erase_on_disk({row.id for row in rows}, person)

    def _erase_on_disk(self, ids: Collection[int], person: str) -> None:
        """Delete rows, rejected messages and damaged files about a person; note what cannot be deleted now."""
        self._to_erase.add(person)
        files = [path for path in self.damaged_files(person) if not _deleted(path)]
        if not self._try_write(lambda database: database.erase(ids, person, self.counters)):
            self._hide(ids)
        elif not files:
            self._to_erase.discard(person)

    def _set_aside(self) -> None:
        if not self._loaded:
            self.counters = recover_counters(self._path)
        aside = move_aside(self._path, self._clock.now().wall)
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


def _deleted(path: Path) -> bool:
    """Delete a damaged file that may name a person who was erased; return whether it is gone."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _log.error("outbox: %s may name a person who was erased: delete it: %s", path, error.strerror)
        return False
    _log.warning("outbox: %s is deleted: it named a person who was erased", path.name)
    return True
