"""The outbox's SQLite file -> its damaged rows. SQLite has no checksums: a damaged value looks like any other.

Whatever the file holds, one small part of it is in memory at a time.
"""

import json
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

MAX_ID = 1 << 62
"""The greatest id of a row. SQLite cannot count beyond twice as many; ids made from a clock are below 1 << 60."""
MAX_COUNT = (1 << 53) - 1
"""The greatest counter. All readers of JSON can hold it exactly."""
MAX_PUTS = (1 << 31) - 2
"""The greatest count of puts: a signed number of 32 bits holds the next one, too."""
MAX_PAYLOAD = 65_536
"""The largest payload of a row, bytes. An event has at most 384."""
KEPT_REJECTED = 1000
"""Rejected messages to keep for inspection; more are only counted."""

_MAX_VALUE = 1_000_000
_PAGE = 1000

_PAYLOAD = f"CASE WHEN typeof(payload) = 'blob' AND length(payload) <= {MAX_PAYLOAD} THEN payload END"
_NAME = "typeof(name) = 'text' AND name GLOB '[a-z0-9]*' AND name NOT GLOB '*[^a-z0-9_-]*'"
_ROWS = f"""
SELECT id, {_PAYLOAD}, typeof(alert) = 'integer' AND typeof(boot) = 'integer' AND typeof(put_s) = 'real' AND {_NAME}
FROM rows WHERE id > ? ORDER BY id LIMIT {_PAGE}
"""  # noqa: S608 - constants
_REJECTED = f"SELECT id, {_PAYLOAD}, 1 FROM rejected WHERE id >= ? ORDER BY id DESC LIMIT {KEPT_REJECTED}"  # noqa: S608
_SURPLUS_REJECTED = f"""
DELETE FROM rejected WHERE id IN (
    SELECT id FROM rejected WHERE id < (SELECT id FROM rejected ORDER BY id DESC LIMIT 1 OFFSET {KEPT_REJECTED - 1})
    ORDER BY id LIMIT {_PAGE}
)
"""  # noqa: S608 - constants
_UNUSABLE_IDS = f"SELECT id FROM rows WHERE id NOT BETWEEN 1 AND {MAX_ID} ORDER BY id LIMIT {_PAGE}"  # noqa: S608
_LAST_ID = f"SELECT coalesce(max(id), 0) FROM rows WHERE id BETWEEN 1 AND {MAX_ID}"  # noqa: S608

_INTEGER, _KEY = ("INTEGER", 0), ("INTEGER", 1)
_TABLES = {
    "counters": {"one": _KEY, "boot": _INTEGER, "seq": _INTEGER, "dropped": _INTEGER, "rejected": _INTEGER},
    "rows": {
        "id": _KEY,
        "alert": _INTEGER,
        "name": ("TEXT", 0),
        "payload": ("BLOB", 0),
        "boot": _INTEGER,
        "put_s": ("REAL", 0),
    },
    "rejected": {"id": _KEY, "code": _INTEGER, "alert": _INTEGER, "name": ("TEXT", 0), "payload": ("BLOB", 0)},
}
"""The columns of each table, in their order: type, and whether it is the key."""

_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
"""Primary result codes of errors that do not go away."""

_log = logging.getLogger(__name__)


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether an error means that the file is damaged, not only that it cannot be written now."""
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _DAMAGE


def corruption(reason: str) -> sqlite3.DatabaseError:
    """Return the error that SQLite raises for a damaged file."""
    error = sqlite3.DatabaseError(reason)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def check_structure(database: sqlite3.Connection) -> None:
    """Raise if SQLite finds damage, or if the file has triggers or views, which the program never makes.

    Raises:
        sqlite3.DatabaseError: the file is damaged, or cannot be read.
    """
    with _bounded_values(database):
        _refuse_programs(database)
        result = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if result != "ok":
        raise corruption(result)


def delete_damaged(database: sqlite3.Connection) -> int:
    """Delete damaged rows and rejected messages, in transactions of their own; return how many rows that were.

    A subscriber cannot use a payload that is not JSON, and an invalid name cannot be part of a topic. A row whose id
    nothing can be added to gets another one, behind all others.

    Raises:
        sqlite3.DatabaseError: a table or a column is missing, or the file cannot be read or written.
    """
    for table, columns in _TABLES.items():
        found = database.execute("SELECT name, type, pk FROM pragma_table_info(?)", (table,)).fetchall()
        if found != [(name, kind, key) for name, (kind, key) in columns.items()]:
            raise corruption(f"the table {table} has other columns")
    with _bounded_values(database):
        _renumber(database)
        deleted = after = 0
        while page := _page(database, _ROWS, after):
            after = page[-1][0]
            deleted += _delete(database, "rows", [row_id for row_id, intact in page if not intact])
        while database.execute(_SURPLUS_REJECTED).rowcount:
            pass
        rejected = _page(database, _REJECTED, -(1 << 63))
        _delete(database, "rejected", [row_id for row_id, intact in rejected if not intact])
    return deleted


def read_counters(database: sqlite3.Connection) -> tuple[int, int, int, int, int]:
    """Return boot, seq, dropped, rejected and puts; zeros if there are none.

    `puts` is the file's `user_version`, so that the tables keep the columns of version 0.1.0.

    A number that is too large to count on is damaged as well, but no message is lost for it: it begins again at zero.

    Raises:
        sqlite3.DatabaseError: the counters are damaged, or the file cannot be read.
    """
    with _bounded_values(database):
        _refuse_programs(database)
        row = database.execute("SELECT boot, seq, dropped, rejected FROM counters").fetchone()
        (puts,) = database.execute("PRAGMA user_version").fetchone()
    if row is None:
        return 0, 0, 0, 0, 0
    boot, seq, dropped, rejected = (number if isinstance(number, int) and number >= 0 else None for number in row)
    if boot is None or seq is None or dropped is None or rejected is None:
        raise corruption("the counters are damaged")
    if max(boot, seq, dropped, rejected) > MAX_COUNT:
        _log.error("outbox: a counter is damaged and begins again at zero: subscribers see a gap in seq or boot")
    boot, seq, dropped, rejected = (0 if number > MAX_COUNT else number for number in (boot, seq, dropped, rejected))
    return boot, seq, dropped, rejected, puts if 0 <= puts <= MAX_PUTS else 0


@contextmanager
def _bounded_values(database: sqlite3.Connection) -> Iterator[None]:
    """Read no value larger than any that the program writes: such a file is damaged."""
    before = database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE)
    try:
        yield
    except sqlite3.DataError as error:  # string or blob too big
        raise corruption(str(error)) from error
    finally:
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, before)


def _refuse_programs(database: sqlite3.Connection) -> None:
    """Raise if any statement may run what the file brings with it: a view may have rows without end."""
    if database.execute("SELECT 1 FROM sqlite_schema WHERE type NOT IN ('table', 'index')").fetchone():
        raise corruption("it has triggers or views")


def _renumber(database: sqlite3.Connection) -> None:
    renumbered = 0
    while ids := [row_id for (row_id,) in database.execute(_UNUSABLE_IDS)]:
        (last,) = database.execute(_LAST_ID).fetchone()
        if last + len(ids) > MAX_ID:
            raise corruption("there is no room for the ids of its rows")
        database.execute("BEGIN IMMEDIATE")
        database.executemany("UPDATE rows SET id = ? WHERE id = ?", enumerate(ids, last + 1))
        database.execute("COMMIT")
        renumbered += len(ids)
    if renumbered:
        _log.error("outbox: messages with a damaged number, sent after all others: %d", renumbered)


def _page(database: sqlite3.Connection, query: str, after: int) -> list[tuple[int, bool]]:
    """Return the id of each row of a page, and whether the row is intact."""
    return [
        (row_id, bool(fits) and payload is not None and _is_object(payload))
        for row_id, payload, fits in database.execute(query, (after,))
    ]


def _delete(database: sqlite3.Connection, table: str, ids: list[int]) -> int:
    if ids:
        database.execute(
            f"DELETE FROM {table} WHERE id IN (SELECT value FROM json_each(?))",  # noqa: S608 - our own word
            (json.dumps(ids),),
        )
    return len(ids)


def _is_object(payload: bytes) -> bool:
    try:
        return isinstance(json.loads(payload), dict)
    except (ValueError, RecursionError):
        return False
