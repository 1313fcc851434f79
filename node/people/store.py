"""People and their crops -> folders on disk, and back: all of a change or nothing, one writer at a time.

people/<id>/person.json     who it is, and the anchors
people/<id>/<digest>.png    the aligned face of an anchor, where crops are kept
people/<id>.damaged-<when>  an entry that could not be read, set aside
people/.new, people/.gone-* a change that the power cut short; the next writer clears it away

A reader needs no lock: a new folder appears whole, a record is replaced whole, a folder that goes is renamed first.
"""

import fcntl
import logging
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from node.errors import PeopleError
from node.people import record
from node.people.person import Person
from node.system.files import make_private_folder, sync_folder, write_privately

_STAGE, _GONE, _ASIDE = ".new", ".gone-", ".damaged-"
_OWN = re.compile(r"[0-9a-f]{16}\.png|.*\.part")  # what else the owner has put beside a record is none of ours
_AGAIN_S = 0.02

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """Somebody, and files that belong to them.

    Attributes:
        person: who.
        crops: contents of crops by the name of their file.
    """

    person: Person
    crops: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))


class Store:
    """The folder of the people.

    Args:
        folder: made when somebody is first put in.
        lengths: of the embeddings of a space, where that is known.
        lock_timeout_s: seconds to wait for another process that writes.
    """

    def __init__(self, folder: Path, lengths: Mapping[str, int], lock_timeout_s: float = 5.0) -> None:
        self._folder, self._lengths, self._lock_timeout_s = folder, lengths, lock_timeout_s
        self._there = False

    def load(self) -> tuple[Person, ...]:
        """Return everybody, by id. An entry that is damaged is set aside and said; the others live.

        Raises:
            PeopleError: the folder cannot be read.
        """
        with _explained(self._folder):
            found = [self._read(entry) for entry in self._entries()]
            return tuple(person for person in found if person is not None)

    def find(self, person: str) -> Person | None:
        """Return somebody; None if nobody has this id, or if the entry is damaged, which is set aside and said.

        Raises:
            PeopleError: the folder cannot be read.
        """
        with _explained(self._folder):
            return self._read(self._folder / person) if (self._folder / person).is_dir() else None

    def damaged(self, person: str) -> list[Path]:
        """Return what was set aside of somebody."""
        return sorted(self._folder.glob(f"{person}{_ASIDE}*"))

    def revision(self) -> tuple[int, ...]:
        """Return a value that differs after any change; empty if the folder cannot be read."""
        try:
            found = [(entry / record.FILE).stat() for entry in self._entries()]
        except OSError:
            return ()
        return tuple(number for state in found for number in (state.st_mtime_ns, state.st_ino))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let nobody else write while the context lasts.

        Raises:
            PeopleError: another process writes for longer than there is patience, or the folder cannot be written.
        """
        with _explained(self._folder):
            make_private_folder(self._folder)
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                _lock(folder, self._folder, self._lock_timeout_s)
                for left in (self._folder / _STAGE, *self._folder.glob(f"{_GONE}*")):
                    shutil.rmtree(left, ignore_errors=True)
                yield
            finally:
                os.close(folder)

    def put(self, entries: Sequence[Entry]) -> None:
        """Write people, new or not; within `locked`. A disk that is full changes nothing.

        Raises:
            OSError: something cannot be written.
        """
        stage = self._folder / _STAGE
        try:
            for entry in entries:
                made = stage / entry.person.id
                make_private_folder(stage)
                make_private_folder(made)
                for name, content in entry.crops.items():
                    write_privately(made / name, content)
                write_privately(made / record.FILE, record.encode(entry.person))
            # From here on there are only renames.
            for entry in entries:
                self._place(stage / entry.person.id, entry)
            sync_folder(self._folder)
        finally:
            shutil.rmtree(stage, ignore_errors=True)

    def delete(self, person: str) -> bool:
        """Erase somebody, and what was set aside of them; within `locked`. Return whether there was anything.

        Raises:
            OSError: something cannot be removed.
        """
        entry = self._folder / person
        found = [path for path in (entry, *self.damaged(person)) if path.is_dir()]
        gone = [path.rename(self._folder / f"{_GONE}{path.name}") for path in found]
        sync_folder(self._folder)
        for path in gone:
            shutil.rmtree(path)
        return bool(gone)

    def _entries(self) -> list[Path]:
        if not self._there and not self._folder.exists():
            return []
        self._there = True  # from now on a folder that is gone is a disk that is gone, not a gallery without people
        return sorted(path for path in self._folder.iterdir() if "." not in path.name and path.is_dir())

    def _place(self, made: Path, entry: Entry) -> None:
        """Bring a folder that is complete to its place, or its files into the folder that is there."""
        target = self._folder / entry.person.id
        if not target.exists():
            made.rename(target)
            return
        for name in (*entry.crops, record.FILE):
            (made / name).replace(target / name)
        sync_folder(target)
        everything = (*entry.person.anchors, *entry.person.negatives)
        kept = {anchor.crop.name for anchor in everything if anchor.crop}
        for path in target.iterdir():
            if path.name not in kept and _OWN.fullmatch(path.name):
                path.unlink()

    def _read(self, entry: Path) -> Person | None:
        try:
            return record.decode((entry / record.FILE).read_bytes(), entry, self._lengths)
        except FileNotFoundError:
            if not entry.exists():  # removed by another process in this moment
                return None
            reason = f"it has no {record.FILE}"
        except ValueError as error:
            reason = str(error)
        aside = entry.with_name(f"{entry.name}{_ASIDE}{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
        entry.rename(aside)
        _log.error("people: the entry %s is damaged (%s): set aside as %s (not published)", entry, reason, aside)
        return None


def _lock(folder: int, path: Path, lock_timeout_s: float) -> None:
    until_s = time.monotonic() + lock_timeout_s
    while True:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > until_s:
                raise PeopleError(f"{path}: another command is changing it: try again in a moment") from error
            time.sleep(_AGAIN_S)
        else:
            return


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PeopleError(
            f"{error.filename or path}: {error.strerror}: storage.dir must be readable and writable, and have room left"
        ) from error
