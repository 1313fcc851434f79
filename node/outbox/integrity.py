"""The outbox's SQLite file -> what of it is damaged: SQLite keeps no checksums, a wrong value looks like any other."""

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
"""Primary result codes that no waiting mends."""


def damaged(error: sqlite3.Error) -> bool:
    """Return whether an error says that the file is damaged, rather than that it cannot be written now."""
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in _DAMAGE


def corrupt(sentence: str) -> sqlite3.DatabaseError:
    """Return the error of a damaged file, as SQLite raises it."""
    error = sqlite3.DatabaseError(sentence)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def discard_unsound(database: sqlite3.Connection) -> int:
    """Delete the messages that are damaged, in transactions of their own; return how many of them waited.

    A message that is no JSON would tell a subscriber nothing, and a name that is none cannot be a topic.

    Raises:
        sqlite3.DatabaseError: a table or a column is missing, or the file cannot be read or written.
    """
    for query in _COLUMNS:
        try:
            database.execute(query)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:  # no such table, no such column
                raise corrupt(str(error)) from error
            raise
    waited = _unsound(database, _ROWS)
    _delete(database, "DELETE FROM rows WHERE id IN (SELECT value FROM json_each(?))", waited)
    _delete(
        database,
        "DELETE FROM rejected WHERE id IN (SELECT value FROM json_each(?))",
        _unsound(database, _REJECTED),
    )
    return len(waited)


def sound_counters(row: tuple[object, ...] | None) -> tuple[int, int, int, int]:
    """Return boot, seq, dropped and rejected as they were counted, zeros where nothing was yet.

    Raises:
        sqlite3.DatabaseError: they are damaged.
    """
    if row is None:
        return 0, 0, 0, 0
    boot, seq, dropped, rejected = (number if isinstance(number, int) and number >= 0 else None for number in row)
    if boot is None or seq is None or dropped is None or rejected is None:
        raise corrupt("the counters are damaged")
    return boot, seq, dropped, rejected


def _unsound(database: sqlite3.Connection, query: str) -> list[int]:
    return [number for number, payload, sound in database.execute(query) if not (sound and _is_message(payload))]


def _delete(database: sqlite3.Connection, statement: str, ids: list[int]) -> None:
    if ids:
        database.execute(statement, (json.dumps(ids),))


def _is_message(payload: bytes) -> bool:
    try:
        return isinstance(json.loads(payload), dict)
    except (ValueError, RecursionError):
        return False
