"""People and their crops -> folders on disk, and back: a change is whole or absent, one writer at a time.

people/<id>/person.json      the record: who it is, and their anchors
people/<id>/<digest>.png     the aligned face of an anchor, where crops are kept
people/<id>.damaged-<when>   an entry that could not be read, set aside
people/.new, people/.gone-*  what a power cut left of a change; the next writer clears it
people/<id>.erasing          an empty file: this person is being erased, until nothing is left of them

The rules:

1. Every rename and every removal happens under the lock, an `flock` of the folder.
2. Reading needs no lock: a new entry appears whole, a record is replaced whole, and an entry is renamed before it is
   removed.
3. A reader that finds a damaged entry takes the lock and reads the entry again, since a writer may be replacing it.
   What is still damaged is set aside. If the lock stays taken, or the reader may not write, the entry stays where it
   is, and a log line says so.
4. Whoever is being erased is not read any more, and cannot be written, even if their files are still there.
"""

import logging
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from node.errors import PeopleError
from node.people import record
from node.people.erasure_marks import ErasureMarks
from node.people.folder_lock import FolderLock
from node.people.person import Person
from node.system.files import make_private_folder, sync_folder, write_privately

_STAGING, _REMOVED, _DAMAGED = ".new", ".gone-", ".damaged-"
_OWN_FILES = re.compile(r"[0-9a-f]{16}\.png|.*\.part")  # any other file beside a record belongs to the owner

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A person and the files that belong to them.

    Attributes:
        person: who.
        crops: contents of crops by file name.
    """

    person: Person
    crops: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))


class Store:
    """The folder of the people. A store serves one thread; several stores may share the folder.

    Args:
        folder: made when the first person is stored.
        lengths: length of the embeddings of each space, where known.
        lock_timeout_s: seconds for which a writer waits for the lock.
        reader_timeout_s: seconds for which a reader waits for the lock when it finds a damaged entry. Short, because
            the node reads on its main loop.
    """

    def __init__(
        self, folder: Path, lengths: Mapping[str, int], lock_timeout_s: float = 5.0, reader_timeout_s: float = 1.0
    ) -> None:
        self._folder, self._lengths = folder, lengths
        self._lock_timeout_s, self._reader_timeout_s = lock_timeout_s, reader_timeout_s
        self._existed = False
        self._lock = FolderLock(folder)
        self._marks = ErasureMarks(folder)

    @property
    def folder(self) -> Path:
        """The folder of the people."""
        return self._folder

    def load(self) -> tuple[Person, ...]:
        """Return everybody, by id. Leave out damaged entries, and set them aside where possible.

        Raises:
            PeopleError: the folder cannot be read.
        """
        with _people_error(self._folder):
            return self._read_all(self._entries())

    def find(self, person: str) -> Person | None:
        """Return a person; None if nobody has this id, or if the entry is damaged.

        Raises:
            PeopleError: the folder cannot be read.
        """
        with _people_error(self._folder):
            entry = self._folder / person
            readable = entry.is_dir() and person not in self._marks.ids()
            return next(iter(self._read_all([entry] if readable else [])), None)

    def damaged(self, person: str) -> list[Path]:
        """Return the entries of a person that were set aside."""
        return sorted(self._folder.glob(f"{person}{_DAMAGED}*"))

    def stored(self, person: str) -> list[Path]:
        """Return the folders that hold something of a person: the entry, what was set aside, what is half removed."""
        folders = (self._folder / person, *self.damaged(person), *self._half_removed(person))
        return [path for path in folders if path.is_dir() or path.is_symlink()]

    def revision(self) -> tuple[int, ...]:
        """Return a value that differs after any change; empty if the folder cannot be read."""
        try:
            found = [_record_state(entry) for entry in self._entries()]
        except OSError:
            return ()
        return tuple(number for state in found for number in (state.st_mtime_ns, state.st_ino))

    def identity(self) -> tuple[int, ...]:
        """Return a value that differs if another folder is in this place, as of another disk; empty for none."""
        try:
            state = self._folder.stat()
        except OSError:
            return ()
        return state.st_dev, state.st_ino

    def erasing(self) -> frozenset[str]:
        """Return who is being erased.

        Raises:
            PeopleError: the folder cannot be read.
        """
        with _people_error(self._folder):
            return self._marks.ids()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock for a change, so that nobody else writes.

        Raises:
            PeopleError: another process holds the lock for longer than `lock_timeout_s`, or the folder cannot be
                written.
        """
        with _people_error(self._folder):
            make_private_folder(self._folder)
            with self._lock.hold(self._lock_timeout_s):
                for leftover in (self._folder / _STAGING, *self._folder.glob(f"{_REMOVED}*")):
                    shutil.rmtree(leftover, ignore_errors=True)
                yield

    def put(self, entries: Sequence[Entry]) -> None:
        """Write people, new or not; call it within `locked`. A full disk changes nothing.

        Raises:
            PeopleError: somebody among them is being erased.
            OSError: something cannot be written.
        """
        for erased in sorted({entry.person.id for entry in entries} & self._marks.ids()):
            raise PeopleError(f"{erased} is being erased: run facenode people remove {erased} to finish that first")
        staging = self._folder / _STAGING
        try:
            for entry in entries:
                staged = staging / entry.person.id
                make_private_folder(staging)
                make_private_folder(staged)
                for name, content in entry.crops.items():
                    write_privately(staged / name, content)
                write_privately(staged / record.FILE, record.encode(entry.person))
            # From here on there are only renames.
            for entry in entries:
                self._install(staging / entry.person.id, entry)
            sync_folder(self._folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def begin_erasing(self, person: str) -> None:
        """Note that a person is to be erased; call it within `locked`. From now on nobody reads or writes them.

        Raises:
            OSError: this cannot be written.
        """
        self._marks.add(person)

    def end_erasing(self, person: str) -> None:
        """Note that nothing of a person is left anywhere; call it within `locked`.

        Raises:
            OSError: this cannot be written.
        """
        self._marks.discard(person)

    def delete(self, person: str) -> None:
        """Erase what is stored of a person and what was set aside of them; call it within `locked`.

        Raises:
            OSError: something cannot be removed.
        """
        for path in (self._folder / person, *self.damaged(person)):
            if path.is_dir() or path.is_symlink():
                path.rename(self._folder / f"{_REMOVED}{path.name}")
        sync_folder(self._folder)
        for path in (*self._half_removed(person), self._folder / _STAGING / person):
            if path.is_symlink():  # what it names is not the node's
                path.unlink()
            elif path.exists():
                shutil.rmtree(path)
        sync_folder(self._folder)

    def _half_removed(self, person: str) -> list[Path]:
        return [self._folder / f"{_REMOVED}{person}", *self._folder.glob(f"{_REMOVED}{person}{_DAMAGED}*")]

    def _entries(self) -> list[Path]:
        if not self._existed and not self._folder.exists():
            return []
        self._existed = True  # from now on a missing folder means a missing disk, not an empty gallery
        erasing = self._marks.ids()
        return sorted(
            path
            for path in self._folder.iterdir()
            if "." not in path.name and path.name not in erasing and path.is_dir()
        )

    def _install(self, staged: Path, entry: Entry) -> None:
        """Move a complete folder to its place, or its files into the folder that exists."""
        target = self._folder / entry.person.id
        if not target.exists():
            staged.rename(target)
            return
        for name in (*entry.crops, record.FILE):
            (staged / name).replace(target / name)
        sync_folder(target)
        everything = (*entry.person.anchors, *entry.person.negatives)
        kept = {anchor.crop.name for anchor in everything if anchor.crop}
        for path in target.iterdir():
            if path.name not in kept and _OWN_FILES.fullmatch(path.name):
                path.unlink()

    def _read_all(self, entries: Sequence[Path]) -> tuple[Person, ...]:
        found: dict[Path, Person | None] = {}
        damaged = []
        for entry in entries:
            try:
                found[entry] = self._read(entry)
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
                    stack.enter_context(self._lock.hold(self._reader_timeout_s))
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
            return self._read(entry)
        except ValueError as error:
            reason = str(error)
        aside = entry.with_name(f"{entry.name}{_DAMAGED}{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
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

    def _read(self, entry: Path) -> Person | None:
        """Return a person; None if another process has removed the entry meanwhile.

        Raises:
            ValueError: the entry is damaged; the message says how.
        """
        try:
            return record.decode((entry / record.FILE).read_bytes(), entry, self._lengths)
        except FileNotFoundError as error:
            if not entry.exists():
                return None
            raise ValueError(f"it has no {record.FILE}") from error


def _record_state(entry: Path) -> os.stat_result:
    try:
        return (entry / record.FILE).stat()
    except FileNotFoundError:  # a damaged entry that could not be set aside must not hide later changes
        return entry.stat()


@contextmanager
def _people_error(path: Path) -> Iterator[None]:
    """Raise a PeopleError for an OSError."""
    try:
        yield
    except OSError as error:
        raise PeopleError(
            f"{error.filename or path}: {error.strerror}: storage.dir must be readable and writable, with free space"
        ) from error
