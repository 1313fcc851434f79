"""The outbox's SQLite file -> its damaged rows. SQLite has no checksums: a damaged value looks like any other."""

import json
import sqlite3

_ROWS = """
SELECT id, CAST(payload AS BLOB), typeof(payload) = 'blob' AND typeof(alert) = 'integer'
    AND typeof(name) = 'text' AND name GLOB '[a-z0-9]*' AND name NOT GLOB '*[^a-z0-9_-]*'
    AND typeof(boot) = 'integer' AND typeof(put_s) = 'real'
FROM rows
"""
_COLUMNS = (
    "SELECT one, boot, seq, dropped, rejected FROM counters LIMIT 0",
    "SELECT id, alert, name, payload, boot, put_s FROM rows LIMIT 0",
    "SELECT id, code, alert, name, payload FROM rejected LIMIT 0",
)
_REJECTED = "SELECT id, CAST(payload AS BLOB), typeof(payload) = 'blob' FROM rejected"

_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
"""Primary result codes of errors that do not go away."""


def is_damage(error: sqlite3.Error) -> bool:
    """Return whether an error means that the file is damaged, not only that it cannot be written now."""
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _DAMAGE


def corruption(reason: str) -> sqlite3.DatabaseError:
    """Return the error that SQLite raises for a damaged file."""
    error = sqlite3.DatabaseError(reason)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def delete_damaged(database: sqlite3.Connection) -> int:
    """Delete damaged rows and rejected messages, in transactions of their own; return how many rows that were.

    A subscriber cannot use a payload that is not JSON, and an invalid name cannot be part of a topic.

    Raises:
        sqlite3.DatabaseError: a table or a column is missing, or the file cannot be read or written.
    """
    for query in _COLUMNS:
        try:
            database.execute(query)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:  # no such table, no such column
                raise corruption(str(error)) from error
            raise
    rows = _damaged_ids(database, _ROWS)
    _delete(database, "DELETE FROM rows WHERE id IN (SELECT value FROM json_each(?))", rows)
    _delete(
        database,
        "DELETE FROM rejected WHERE id IN (SELECT value FROM json_each(?))",
        _damaged_ids(database, _REJECTED),
    )
    return len(rows)


def checked_counters(row: tuple[object, ...] | None) -> tuple[int, int, int, int]:
    """Return boot, seq, dropped and rejected from a row of `counters`; zeros for no row.

    Raises:
        sqlite3.DatabaseError: the counters are damaged.
    """
    if row is None:
        return 0, 0, 0, 0
    boot, seq, dropped, rejected = (number if isinstance(number, int) and number >= 0 else None for number in row)
    if boot is None or seq is None or dropped is None or rejected is None:
        raise corruption("the counters are damaged")
    return boot, seq, dropped, rejected


def _damaged_ids(database: sqlite3.Connection, query: str) -> list[int]:
    return [row_id for row_id, payload, types_fit in database.execute(query) if not (types_fit and _is_object(payload))]


def _delete(database: sqlite3.Connection, statement: str, ids: list[int]) -> None:
    if ids:
        database.execute(statement, (json.dumps(ids),))


def _is_object(payload: bytes) -> bool:
    try:
        return isinstance(json.loads(payload), dict)
    except (ValueError, RecursionError):
        return False
