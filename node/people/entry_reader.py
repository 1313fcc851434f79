"""Folders of people -> people; a damaged one is read again under the lock, and set aside.

If the lock stays taken, or the reader may not write, the damaged entry stays where it is, and a log line says so.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from node.errors import PeopleError
from node.people import record
from node.people.folder_lock import FolderLock
from node.people.person import Person
from node.system.plain_files import TooLargeError, WrongKindError, read_regular

DAMAGED = ".damaged-"
"""Between the id and the time in the name of an entry that was set aside."""

_log = logging.getLogger(__name__)


class EntryReader:
    """Read the entries of a folder of people.

    Args:
        lock: of that folder.
        lengths: length of the embeddings of each space, where known.
        timeout_s: seconds for which the lock is waited for when an entry is damaged.
    """

    def __init__(self, lock: FolderLock, lengths: Mapping[str, int], timeout_s: float) -> None:
        self._lock, self._lengths, self._timeout_s = lock, lengths, timeout_s

    def read(self, entry: Path) -> Person | None:
        """Return a person; None if another process has removed the entry meanwhile.

        Raises:
            ValueError: the entry is damaged; the message says how.
        """
        try:
            return record.decode(read_regular(entry / record.FILE, record.MAX_BYTES), entry, self._lengths)
        except (WrongKindError, TooLargeError) as error:
            raise ValueError(f"{record.FILE}: {error.strerror}") from error
        except FileNotFoundError as error:
            if not entry.exists():
                return None
            raise ValueError(f"it has no {record.FILE}") from error

    def read_all(self, entries: Sequence[Path]) -> tuple[Person, ...]:
        """Return the people of entries, without those that are damaged; these are set aside where possible.

        Raises:
            OSError: an entry cannot be read; or a writer cannot set a damaged one aside.
        """
        found: dict[Path, Person | None] = {}
        damaged = []
        for entry in entries:
            try:
                found[entry] = self.read(entry)
            except ValueError:
                damaged.append(entry)
        if damaged:
            found |= self._read_again(damaged)
        people = (found[entry] for entry in entries)
        return tuple(person for person in people if person is not None)

    def _read_again(self, entries: Sequence[Path]) -> dict[Path, Person | None]:
        """Read damaged entries under the lock, and set aside those that are still damaged."""
        writing, obstacle = self._lock.held, None
        with ExitStack() as stack:
            if not writing:
                try:
                    stack.enter_context(self._lock.hold(self._timeout_s))
                except PeopleError:
                    obstacle = "another command is changing the gallery"
                except OSError as error:
                    obstacle = f"the folder cannot be locked: {error.strerror}"
            return {entry: self._read_or_set_aside(entry, obstacle, writing=writing) for entry in entries}

    def _read_or_set_aside(self, entry: Path, obstacle: str | None, *, writing: bool) -> Person | None:
        """Return a person, or None if the entry is damaged; rename it unless there is an obstacle.

        Raises:
            OSError: a writer cannot set the entry aside. It must not write over it.
        """
        try:
            return self.read(entry)
        except ValueError as error:
            reason = str(error)
        aside = entry.with_name(f"{entry.name}{DAMAGED}{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
        if obstacle is None:
            try:
                entry.rename(aside)
            except OSError as error:
                if writing:
                    raise
                obstacle = f"it cannot be renamed: {error.strerror}"
        outcome = f"set aside as {aside}" if obstacle is None else f"left in place, because {obstacle}"
        _log.error("people: the entry %s is damaged (%s): %s (not published)", entry, reason, outcome)
        return None
