"""Rows and counters of the outbox <-> a SQLite file that survives a power cut."""

import json
import mmap
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from node.contract.message import JSON, Message
from node.contract.payloads import concerns
from node.contract.topics import Kind, Topics
from node.outbox.database_files import refuse_irregular
from node.outbox.integrity import KEPT_REJECTED, check_structure, corruption, delete_damaged, read_counters
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

_MAX_SEARCHED = 1 << 30
"""The largest file to search, bytes: the loop waits for that."""


class Database:
    """The outbox's SQLite file, open in one process at a time.

    Every method raises `sqlite3.Error` if the file cannot be read or written. The constructor raises `OSError`, too, if
    it is no regular file or cannot be created.

    Args:
        path: the file; created if it does not exist.
        topics: the node's topics. The file holds kinds and names; the topics of its rows are made from them.
        check: whether to look for damage in the whole file.

    Attributes:
        damaged_rows: how many rows were damaged, and deleted for that.
    """

    def __init__(self, path: Path, topics: Topics, *, check: bool = True) -> None:
        self._topics = topics
        refuse_irregular(path)
        # The file says who was seen when: only its owner may read it. SQLite gives its own files the same mode.
        path.touch(mode=0o600)
        self._db = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            # Exclusive: two nodes on one outbox are refused, and no shared memory file is needed on a full disk.
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA journal_size_limit = 1048576")
            # Deleted rows name people: overwrite them.
            self._db.execute("PRAGMA secure_delete = ON")
            if check:
                check_structure(self._db)
            if not self._db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'rejected'").fetchone():
                self._db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
            self.damaged_rows = delete_damaged(self._db) if check else 0
        except UnicodeDecodeError as error:  # SQLite's message quotes damaged bytes that are not UTF-8
            self._db.close()
            raise corruption("its schema is damaged") from error
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def counters(self) -> Counters:
        """Return the counters as of the latest transaction."""
        return Counters(*read_counters(self._db))

    def measure(self) -> tuple[int, int, int]:
        """Return how many rows there are, their bytes, and the greatest id (0 if none)."""
        count, size, last = self._db.execute("SELECT count(*), total(length(payload)), max(id) FROM rows").fetchone()
        return count, int(size) + count * ROW_BYTES, last or 0

    def write(self, counters: Counters, add: Sequence[Row] = (), drop: Collection[int] = ()) -> None:
        """Save the counters, add rows and delete others, in one transaction that is on disk on return."""
        with self._transaction("FULL") as db:
            self._delete(drop)
            db.executemany(
                "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?, ?)",
                [(row.id, row.kind is Kind.ALERT, row.name, row.message.payload, row.boot, row.put_s) for row in add],
            )
            self._save(counters)

    def delete(self, ids: Collection[int], counters: Counters | None = None) -> None:
        """Delete rows, and save the counters if they are given, in one transaction.

        The transaction is on disk by the next `write` at the latest. After a power cut before that, the rows are sent
        twice; nothing is lost, and the disk is spared one flush for each delete.
        """
        with self._transaction("NORMAL"):
            self._delete(ids)
            if counters is not None:
                self._save(counters)

    def reject(self, row: Row, code: int, counters: Counters) -> None:
        """Move a row to the table of rejected messages, which keeps only the latest."""
        with self._transaction("NORMAL") as db:
            db.execute(
                "INSERT INTO rejected (code, alert, name, payload) VALUES (?, ?, ?, ?)",
                (code, row.kind is Kind.ALERT, row.name, row.message.payload),
            )
            db.execute("DELETE FROM rejected WHERE id <= (SELECT max(id) FROM rejected) - ?", (KEPT_REJECTED,))
            self._delete((row.id,))
            self._save(counters)

    def erase(self, ids: Collection[int], person: str, counters: Counters) -> None:
        """Overwrite rows, and the rejected messages about a person: no byte of them remains."""
        rejected = self.rejected_about(person)
        with self._transaction("FULL") as db:
            self._delete(ids)
            db.execute("DELETE FROM rejected WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(rejected),))
            self._save(counters)
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    def rows_about(self, person: str) -> list[Row]:
        """Return all rows about a person, oldest first."""
        rows = self._rows("SELECT * FROM rows WHERE instr(payload, ?) ORDER BY id", (_quoted(person),))
        return [row for row in rows if concerns(row.message.payload, person)]

    def rejected_about(self, person: str) -> list[int]:
        """Return the ids of the rejected messages about a person."""
        found = self._db.execute("SELECT id, payload FROM rejected WHERE instr(payload, ?)", (_quoted(person),))
        return [row_id for row_id, payload in found if concerns(payload, person)]

    def rejected(self) -> list[tuple[int, str, bytes]]:
        """Return reason code, name and payload of the rejected messages in the table, oldest first."""
        return self._db.execute("SELECT code, name, payload FROM rejected ORDER BY id").fetchall()

    def live(self, after: int, kind: Kind, limit: int) -> list[Row]:
        """Return the oldest rows of a kind whose id is greater than `after`."""
        if kind is Kind.ALERT:
            return self._rows("SELECT * FROM rows WHERE alert AND id > ? ORDER BY id LIMIT ?", (after, limit))
        return self._rows("SELECT * FROM rows WHERE NOT alert AND id > ? ORDER BY id LIMIT ?", (after, limit))

    def late(self, upto: int, limit: int) -> list[Row]:
        """Return the oldest rows whose id is not greater than `upto`."""
        return self._rows("SELECT * FROM rows WHERE id <= ? ORDER BY id LIMIT ?", (upto, limit))

    def first_put_since(self, after: int, moment_s: float) -> int | None:
        """Return the lowest id above `after` of a row added at `moment_s` or later, None if there is none."""
        found = self._db.execute(
            "SELECT id FROM rows WHERE id > ? AND put_s >= ? ORDER BY id LIMIT 1", (after, moment_s)
        ).fetchone()
        return found[0] if found else None

    def _rows(self, query: str, values: tuple[object, ...]) -> list[Row]:
        return [
            Row(row_id, self._message(Kind.ALERT if alert else Kind.EVENT, name, payload), boot, put_s)
            for row_id, alert, name, payload, boot, put_s in self._db.execute(query, values)
        ]

    def _message(self, kind: Kind, name: str, payload: bytes) -> Message:
        return Message(self._topics.message(kind, name), payload, content_type=JSON)

    def _delete(self, ids: Collection[int]) -> None:
        self._db.execute("DELETE FROM rows WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),))

    def _save(self, counters: Counters) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO counters VALUES (1, ?, ?, ?, ?)",
            (counters.boot, counters.seq, counters.dropped, counters.rejected),
        )
        self._db.execute(f"PRAGMA user_version = {counters.puts}")  # part of the transaction, too

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


def _quoted(person: str) -> bytes:
    """Return an id as every payload about the person has it; a value that is not a blob contains no blob."""
    return f'"{person}"'.encode()


def contains(path: Path, needle: bytes) -> bool:
    """Return whether a file contains these bytes, or is too large to search; raise OSError if it cannot be read."""
    size = path.stat().st_size
    if size > _MAX_SEARCHED:
        return True
    if not size:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(needle) >= 0


def recover_counters(path: Path) -> Counters:
    """Return the counters of a damaged file if they can be read, otherwise new ones."""
    try:
        database = sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)
    except sqlite3.Error:
        return Counters()
    try:
        return Counters(*read_counters(database))
    except (sqlite3.Error, UnicodeDecodeError):
        return Counters()
    finally:
        database.close()
