"""People and their crops -> folders on disk, and back: a change is whole or absent, one writer at a time.

people/<id>/person.json      the record: who it is, and their anchors
people/<id>/<digest>.png     the aligned face of an anchor, where crops are kept
people/<id>/<name>.json      what was computed from the record, goes when the record changes, and can be computed again
                             (node/people/normalisation.py)
people/<id>.damaged-<when>   an entry that could not be read, set aside
people/.new, .commit, .gone-*  a change on its way; what a kill or a power cut left of it, the next writer or reader
                             finishes or clears (node/people/journal.py)
people/<id>.erasing          an empty file: this person is being erased, until nothing is left of them

The rules:

1. Every rename and every removal happens under the lock, an `flock` of the folder.
2. Reading needs no lock: a new entry appears whole, a record is replaced whole, and an entry is renamed before it is
   removed. Only if a change is on its way, a reader waits for the lock for a moment, and finishes what was left.
3. A reader that finds a damaged entry takes the lock and reads the entry again, since a writer may be replacing it.
   What is still damaged is set aside (node/people/entry_reader.py).
4. Whoever is being erased is not read any more, and cannot be written, even if their files are still there.
5. No link is followed, and a record is read only if it is a plain file of a bounded size.
"""

import logging
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from node.errors import PeopleError, Reason
from node.people import record
from node.people.entry import Entry
from node.people.entry_reader import DAMAGED, EntryReader
from node.people.erasure_marks import ErasureMarks
from node.people.folder_lock import FolderLock
from node.people.journal import GONE, Journal, is_own_folder
from node.people.person import Anchor, Person
from node.system.files import make_private_folder, replace_unsynced, sync_folder
from node.system.plain_files import WrongKindError, check_folder, read_regular

_log = logging.getLogger(__name__)


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
        self._folder = folder
        self._lock_timeout_s, self._reader_timeout_s = lock_timeout_s, reader_timeout_s
        self._existed = False
        self._lock = FolderLock(folder)
        self._reader = EntryReader(self._lock, lengths, reader_timeout_s)
        self._marks = ErasureMarks(folder)
        self._journal = Journal(folder)

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
            check_folder(self._folder)
            self._recover()
            return self._reader.read_all(self._entries(log_links=True))

    def find(self, person: str) -> Person | None:
        """Return a person; None if nobody has this id, or if the entry is damaged.

        Raises:
            PeopleError: the folder cannot be read.
        """
        with _people_error(self._folder):
            check_folder(self._folder)
            self._recover()
            entry = self._folder / person
            readable = check_folder(entry) and person not in self._marks.ids()
            return next(iter(self._reader.read_all([entry] if readable else [])), None)

    def read_computed(self, person: str, name: str, max_bytes: int) -> bytes:
        """Return the content of a file beside a record; nothing where it cannot be read."""
        try:
            return read_regular(self._folder / person / name, max_bytes)
        except OSError:
            return b""

    def keep_computed(self, name: str, contents: Sequence[tuple[Person, bytes]]) -> None:
        """Write a file beside the record of each person, unless the disk or another process prevents it.

        Whatever is lost is computed again, so that nobody waits for the disk, or for another process. Whoever has
        changed since they were loaded gets no file: it would be of faces that are not theirs any more.
        """
        try:
            with nullcontext() if self._lock.held else self._lock.hold(0.0):
                for person, content in contents:
                    if self._is_current(person):
                        replace_unsynced(self._folder / person.id / name, content)
        except (PeopleError, OSError) as error:
            _log.debug("people: %s was not kept, so it is computed again: %s", name, error)

    def damaged(self, person: str) -> list[Path]:
        """Return the entries of a person that were set aside."""
        return sorted(self._folder.glob(f"{person}{DAMAGED}*"))

    def stored(self, person: str) -> list[Path]:
        """Return the folders that hold something of a person: the entry, what was set aside, what is half removed.

        Raises:
            PeopleError: a link, or something else, is in the place of the entry.
        """
        with _people_error(self._folder):
            self._recover()
            entry = self._folder / person
            rest = (*self.damaged(person), *self._half_removed(person))
            return [*([entry] if check_folder(entry) else []), *filter(is_own_folder, rest)]

    def revision(self) -> tuple[int, ...]:
        """Return a value that differs after any change; empty if the folder cannot be read."""
        try:
            found = [_record_state(entry) for entry in self._entries()]
        except OSError:
            return ()
        records = (number for state in found for number in (state.st_mtime_ns, state.st_ino))
        return (*records, *self._journal.state())

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

    def anchors(self, person: str) -> tuple[Anchor, ...]:
        """Return the anchors of a person, also while they are being erased; none if they are not readable.

        They tell which other faces may be theirs.
        """
        try:
            found = self._reader.read(self._folder / person) if is_own_folder(self._folder / person) else None
        except (OSError, ValueError):
            return ()
        return found.anchors if found else ()

    @contextmanager
    def locked(self, timeout_s: float | None = None) -> Iterator[None]:
        """Hold the lock for a change, so that nobody else writes.

        Args:
            timeout_s: seconds to wait for whoever holds it; `lock_timeout_s` unless given.

        Raises:
            PeopleError: another process holds the lock for longer than `lock_timeout_s`, or the folder cannot be
                written.
        """
        with _people_error(self._folder):
            make_private_folder(self._folder)
            with self._lock.hold(self._lock_timeout_s if timeout_s is None else timeout_s):
                self._journal.recover()
                yield

    def put(self, entries: Sequence[Entry], removed: Sequence[str] = ()) -> None:
        """Write people, new or not, all of them or none; call it within `locked`. A full disk changes nothing.

        Args:
            entries: the people.
            removed: ids of those who leave the gallery in the same moment.

        Raises:
            OSError: something cannot be written.
            PeopleError: somebody among them is being erased; or everything is written, but could not be put in its
                place yet.
        """
        for erased in sorted({entry.person.id for entry in entries} & self._marks.ids()):
            raise PeopleError(
                f"{erased} is being erased: run facenode people remove {erased} to finish that first", Reason.ERASING
            )
        if not (entries or removed):
            return
        self._journal.commit(entries, removed)
        try:
            self._journal.finish()
        except OSError as error:
            raise PeopleError(
                f"{error.filename or self._folder}: {error.strerror}: the change is stored, but not complete: the next "
                "command completes it: storage.dir must be writable, with free space",
                Reason.DISK,
            ) from error

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
        entry = self._folder / person
        for path in (*([entry] if check_folder(entry) else []), *filter(is_own_folder, self.damaged(person))):
            path.rename(self._folder / f"{GONE}{path.name}")
        sync_folder(self._folder)
        for path in (*filter(is_own_folder, self._half_removed(person)), *self._journal.folders_of(person)):
            shutil.rmtree(path)
        sync_folder(self._folder)

    def _half_removed(self, person: str) -> list[Path]:
        return [self._folder / f"{GONE}{person}", *self._folder.glob(f"{GONE}{person}{DAMAGED}*")]

    def _entries(self, *, log_links: bool = False) -> list[Path]:
        if not self._existed and not self._folder.exists():
            return []
        self._existed = True  # from now on a missing folder means a missing disk, not an empty gallery
        erasing = self._marks.ids()
        found = sorted(path for path in self._folder.iterdir() if "." not in path.name and path.name not in erasing)
        if log_links:
            for path in filter(Path.is_symlink, found):
                _log.error("people: the entry %s is a link: not read: put the folder itself there", path)
        return list(filter(is_own_folder, found))

    def _recover(self) -> None:
        """Finish what a killed writer committed, and clear what it left, unless another is at work."""
        if self._lock.held or not self._journal.has_leftovers:
            return
        try:
            with self._lock.hold(self._reader_timeout_s if self._journal.is_pending else 0.0):
                self._journal.recover()
        except PeopleError:
            return
        except OSError as error:
            _log.warning("people: %s: %s: an interrupted change is not completed yet", error.filename, error.strerror)

    def _is_current(self, person: Person) -> bool:
        """Return whether a person is stored as they were loaded."""
        entry = self._folder / person.id
        try:
            found = self._reader.read(entry) if check_folder(entry) else None
        except ValueError:
            return False
        return found is not None and record.encode(found) == record.encode(person)


def _record_state(entry: Path) -> os.stat_result:
    try:
        return (entry / record.FILE).lstat()
    except FileNotFoundError:  # a damaged entry that could not be set aside must not hide later changes
        return entry.lstat()


@contextmanager
def _people_error(path: Path) -> Iterator[None]:
    """Raise a PeopleError for an OSError."""
    try:
        yield
    except WrongKindError as error:
        raise PeopleError(str(error)) from error
    except OSError as error:
        raise PeopleError(
            f"{error.filename or path}: {error.strerror}: storage.dir must be readable and writable, with free space",
            Reason.DISK,
        ) from error
