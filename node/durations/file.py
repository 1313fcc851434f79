"""The record of durations <-> `durations.json` in `storage.dir`: private, complete or absent, never followed."""

import logging
from contextlib import suppress
from pathlib import Path

from node.durations.record import MAX_BYTES, Record, decode, encode
from node.people.trace import TraceKind
from node.system.files import remove_partial, sync_folder, write_privately
from node.system.plain_files import TooLargeError, WrongKindError, read_regular

FILE = "durations.json"

_log = logging.getLogger(__name__)


class DurationsFile:
    """The file; it exists only while there is something to keep.

    Args:
        folder: where it is kept.

    Attributes:
        path: the file.
        kind: what it holds of a person.
    """

    kind = TraceKind.DURATIONS

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    def load(self) -> Record | None:
        """Return what was kept; None if nothing was, or if it cannot be read, which is logged."""
        remove_partial(self.path)
        try:
            return self._read()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            _log.error(
                "events: cannot read %s (%s): whoever is in view is reported again, and cool-downs begin anew",
                self.path, error,
            )  # fmt: skip
            return None

    def save(self, record: Record) -> None:
        """Keep a record; it is on the disk on return.

        Raises:
            OSError: it cannot be written; the former one is unchanged.
        """
        if record:
            write_privately(self.path, encode(record))
        else:
            self._remove()

    def names(self, person: str) -> bool:
        """Return whether a person is named. What is not readable names nobody."""
        try:
            return self._read().names(person)
        except (OSError, ValueError):
            return False

    def erase(self, person: str) -> None:
        """Erase a person, or everything if it is damaged or the disk is full.

        Raises:
            OSError: the file cannot be written or removed.
        """
        try:
            record = self._read()
        except (FileNotFoundError, WrongKindError):  # of another kind: it is not ours, and is never read
            return
        except (ValueError, TooLargeError):
            self._remove()
            return
        if record.names(person):
            try:
                self.save(record.without(person))
            except OSError:
                self._remove()

    def _read(self) -> Record:
        return decode(read_regular(self.path, MAX_BYTES))

    def _remove(self) -> None:
        with suppress(FileNotFoundError):
            self.path.unlink()
            sync_folder(self.path.parent)
