"""Rows and counters of the outbox <-> a SQLite file that survives a power cut."""

import json
import mmap
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from node.contract.topics import Kind
from node.outbox.integrity import corrupt, discard_unsound, sound_counters
from node.outbox.rows import ROW_BYTES, Counters, Row

_SCHEMA = """
CREATE TABLE IF NOT EXISTS counters (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    boot INTEGER NOT NULL, seq INTEGER NOT NULL, dropped INTEGER NOT NULL, rejected INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS rows (
    id INTEGER PRIMARY KEY, alert INTEGER NOT NULL, name TEXT NOT NULL, payload BLOB NOT NULL,
    boot INTEGER NOT NULL, put_s REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS alerts ON rows (id) WHERE alert;
CREATE TABLE IF NOT EXISTS rejected (
    id INTEGER PRIMARY KEY, code INTEGER NOT NULL, alert INTEGER NOT NULL, name TEXT NOT NULL, payload BLOB NOT NULL
);
"""

_KEPT_REJECTED = 1000
"""Rejected messages kept for whoever looks into the file; they are counted beyond that."""


class Store:
    """The file. One process at a time; every method raises `sqlite3.Error` if the file cannot be read or written.

    Args:
        path: the file, made if it is not there.
        check: look through all of it for damage.

    Attributes:
        unsound: messages that waited and were found damaged; they are no more there.
    """

    def __init__(self, path: Path, *, check: bool = True) -> None:
        # It says who was seen when: for its owner's eyes only. SQLite's own files beside it take over the mode.
        path.touch(mode=0o600)
        self._db = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            # Exclusive: two nodes on one outbox are refused, and no shared memory file is needed on a full disk.
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA journal_size_limit = 1048576")
            # What is deleted names people: it is overwritten, not only let go.
            self._db.execute("PRAGMA secure_delete = ON")
            if check:
                self._check()
            if not self._db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'rejected'").fetchone():
                self._db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
            self.unsound = discard_unsound(self._db) if check else 0
        except UnicodeDecodeError as error:  # SQLite quotes what is damaged, and Python cannot read the quotation
            self._db.close()
            raise corrupt("its schema is damaged") from error
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def counters(self) -> Counters:
        """Return what was counted up to the latest transaction."""
        row = self._db.execute("SELECT boot, seq, dropped, rejected FROM counters").fetchone()
        return Counters(*sound_counters(row))

    def measure(self) -> tuple[int, int, int]:
        """Return how many rows there are, their bytes, and the greatest id (0 if none)."""
        count, size, last = self._db.execute("SELECT count(*), total(length(payload)), max(id) FROM rows").fetchone()
        return count, int(size) + count * ROW_BYTES, last or 0

    def write(self, counters: Counters, add: Sequence[Row] = (), drop: Collection[int] = ()) -> None:
        """Save counters and new rows and delete others, in one transaction that is on the disk on return."""
        with self._transaction("FULL") as db:
            self._delete(drop)
            db.executemany(
                "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?, ?)",
                [(row.id, row.kind is Kind.ALERT, row.name, row.payload, row.boot, row.put_s) for row in add],
            )
            self._count(counters)

    def delete(self, ids: Collection[int]) -> None:
        """Delete rows in one transaction.

        It is on the disk no later than the next `write`: after a power cut before that, the rows are sent twice,
        which spares the disk a flush for each and loses nothing.
        """
        with self._transaction("NORMAL"):
            self._delete(ids)

    def reject(self, row: Row, code: int, counters: Counters) -> None:
        """Move a row to the table of rejected ones, of which the latest are kept."""
        with self._transaction("NORMAL") as db:
            db.execute(
                "INSERT INTO rejected (code, alert, name, payload) VALUES (?, ?, ?, ?)",
                (code, row.kind is Kind.ALERT, row.name, row.payload),
            )
            db.execute("DELETE FROM rejected WHERE id <= (SELECT max(id) FROM rejected) - ?", (_KEPT_REJECTED,))
            self._delete((row.id,))
            self._count(counters)

    def erase(self, ids: Collection[int], about: Callable[[bytes], bool], counters: Counters) -> None:
        """Delete rows, and the rejected messages whose payload is `about` somebody, so that no byte of them stays."""
        rejected = [
            number for number, payload in self._db.execute("SELECT id, payload FROM rejected") if about(payload)
        ]
        with self._transaction("FULL") as db:
            self._delete(ids)
            db.execute("DELETE FROM rejected WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(rejected),))
            self._count(counters)
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def rejected(self) -> list[tuple[int, str, bytes]]:
        """Return reason code, name and payload of the rejected messages that were kept, oldest first."""
        return self._db.execute("SELECT code, name, payload FROM rejected ORDER BY id").fetchall()

    def live(self, after: int, kind: Kind, limit: int) -> list[Row]:
        """Return the oldest rows of a kind whose id is greater than `after`."""
        if kind is Kind.ALERT:
            return self._rows("SELECT * FROM rows WHERE alert AND id > ? ORDER BY id LIMIT ?", (after, limit))
        return self._rows("SELECT * FROM rows WHERE NOT alert AND id > ? ORDER BY id LIMIT ?", (after, limit))

    def late(self, upto: int, limit: int) -> list[Row]:
        """Return the oldest rows whose id is not greater than `upto`."""
        return self._rows("SELECT * FROM rows WHERE id <= ? ORDER BY id LIMIT ?", (upto, limit))

    def oldest(self, kind: Kind, excluded: Collection[int], limit: int) -> list[Row]:
        """Return the oldest rows of a kind, without the excluded ids."""
        return self._rows(
            "SELECT * FROM rows WHERE alert = ? AND id NOT IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?",
            (kind is Kind.ALERT, json.dumps(list(excluded)), limit),
        )

    def first_put_since(self, after: int, moment_s: float) -> int | None:
        """Return the least id above `after` of a row put at `moment_s` or later, None if there is none."""
        found = self._db.execute(
            "SELECT id FROM rows WHERE id > ? AND put_s >= ? ORDER BY id LIMIT 1", (after, moment_s)
        ).fetchone()
        return found[0] if found else None

    def _check(self) -> None:
        verdict = self._db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise corrupt(verdict)

    def _rows(self, query: str, values: tuple[object, ...]) -> list[Row]:
        return [
            Row(number, Kind.ALERT if alert else Kind.EVENT, name, payload, boot, put_s)
            for number, alert, name, payload, boot, put_s in self._db.execute(query, values)
        ]

    def _delete(self, ids: Collection[int]) -> None:
        self._db.execute("DELETE FROM rows WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),))

    def _count(self, counters: Counters) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO counters VALUES (1, ?, ?, ?, ?)",
            (counters.boot, counters.seq, counters.dropped, counters.rejected),
        )

    @contextmanager
    def _transaction(self, synchronous: str) -> Iterator[sqlite3.Connection]:
        self._db.execute(f"PRAGMA synchronous = {synchronous}")
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise


def contains(path: Path, needle: bytes) -> bool:
    """Return whether these bytes are anywhere in a file; raises OSError if it cannot be read."""
    with path.open("rb") as file:
        if not path.stat().st_size:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return data.find(needle) >= 0


def salvage(path: Path) -> Counters:
    """Return the counters of a damaged file as far as they can be read, else those of a new one."""
    try:
        database = sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)
    except sqlite3.Error:
        return Counters()
    try:
        row = database.execute("SELECT boot, seq, dropped, rejected FROM counters").fetchone()
        return Counters(*sound_counters(row))
    except (sqlite3.Error, UnicodeDecodeError):
        return Counters()
    finally:
        database.close()
