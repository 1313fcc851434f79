"""A change of any number of people -> their folders, all of them or none, also after a kill or a power cut.

people/.new/added/<id>/      while a change is written: the whole folder of a new person
people/.new/changed/<id>/    new crops and the new record of a known person, and the sha256 of the record to be replaced
people/.new/removed/<id>/    the sha256 of the record of a person whose folder goes
people/.commit/              the same, complete and on the disk
people/.gone-*               what is being erased

The rules:

1. `.new` counts for nothing. Renaming it to `.commit` is the moment at which the whole change takes place.
2. Whoever takes the lock next finishes a `.commit` that was left. Every step of that can be repeated: crops come before
   the record that names them, people who go come last, and the folder goes only when everything is on the disk.
3. A person whose record is no longer the one to be replaced, since a version without `.commit` has changed or removed
   them meanwhile, stays as they are.
"""

import hashlib
import logging
import os
import re
import shutil
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from node.people import normalisation, photo_dates, record
from node.people.entry import Entry, crop_names
from node.system.files import create_privately, make_private_folder, sync_folder, synced_file_system
from node.system.plain_files import TooLargeError, WrongKindError, check_folder, read_regular

GONE = ".gone-"
_STAGING, _COMMITTED = ".new", ".commit"
_ADDED, _CHANGED, _REMOVED, _BEFORE = "added", "changed", "removed", "before"
_OWN_FILES = re.compile(rf"[0-9a-f]{{16}}\.png|{re.escape(normalisation.FILE)}|.*\.part")
"""Files beside a record that go when the record does not name them; any other one belongs to the owner."""
_PARTS = (".", _ADDED, _CHANGED, _REMOVED)
_DIGEST_BYTES = 64
_FEW_FILES = 32
"""Up to so many files are synced one by one; for more, the whole file system is."""

_log = logging.getLogger(__name__)


def is_own_folder(path: Path) -> bool:
    """Return whether there is a folder, and not a link to one."""
    return path.is_dir() and not path.is_symlink()


class Journal:
    """What is being written and erased in the folder of the people. Everything but reading needs the folder's lock.

    Args:
        folder: of the people.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._staging, self._committed = folder / _STAGING, folder / _COMMITTED

    @property
    def is_pending(self) -> bool:
        """Whether a change took place that is not finished."""
        return is_own_folder(self._committed)

    @property
    def has_leftovers(self) -> bool:
        """Whether there is anything that `recover` finishes or clears, or another process is working on.

        Raises:
            OSError: the folder cannot be read.
        """
        try:
            with os.scandir(self._folder) as entries:
                return any(each.name in (_STAGING, _COMMITTED) or each.name.startswith(GONE) for each in entries)
        except FileNotFoundError:
            return False

    def state(self) -> tuple[int, ...]:
        """Return a value that differs once a change is committed or finished."""
        try:
            state = self._committed.stat()
        except OSError:
            return ()
        return (state.st_mtime_ns, state.st_ino)

    def folders_of(self, person: str) -> list[Path]:
        """Return the folders that hold something of a person on its way into the gallery."""
        changes = filter(is_own_folder, (self._staging, self._committed))
        # Version 0.1.0 has none of the folders between.
        folders = [change / part / person for change in changes for part in _PARTS]
        return [path for path in folders if is_own_folder(path.parent) and is_own_folder(path)]

    def recover(self) -> None:
        """Finish a change that was committed, and clear what is left of any other.

        Raises:
            OSError: a change cannot be finished.
        """
        self._clear()
        if self.is_pending:
            self.finish()

    def commit(self, entries: Sequence[Entry], removed: Sequence[str] = ()) -> None:
        """Write people, new or not; `finish` puts them in place. If it fails, as on a full disk, nothing changes.

        Args:
            entries: the people.
            removed: ids of those whose folders go in the same moment.

        Raises:
            OSError: something cannot be written.
        """
        check_folder(self._committed)
        few = sum(len(entry.crop_names) + 1 for entry in entries) <= _FEW_FILES
        try:
            with nullcontext() if few else synced_file_system(self._folder):
                self._stage(entries, removed, sync=few)
            self._staging.rename(self._committed)
        except BaseException:
            self._clear()
            raise
        sync_folder(self._folder)

    def finish(self) -> None:
        """Put everything that was committed in its place. All of it may have happened already, or any part.

        Raises:
            OSError: something cannot be put in its place; what was committed stays.
        """
        for staged in _subfolders(self._committed / _ADDED):
            target = self._folder / staged.name
            if os.path.lexists(target):
                _log_superseded(target)
            else:
                staged.rename(target)
        targets = []
        for staged in _subfolders(self._committed / _CHANGED):
            target = self._folder / staged.name
            if is_own_folder(target):
                _replace(staged, target)
                targets.append(target)
            else:
                _log_superseded(target)
        for staged in _subfolders(self._committed / _REMOVED):
            target = self._folder / staged.name
            if is_own_folder(target):
                if _is_unchanged(target / record.FILE, read_regular(staged / _BEFORE, _DIGEST_BYTES)):
                    target.rename(self._folder / f"{GONE}{staged.name}")
                else:
                    _log_superseded(target)
        for target in (*targets, self._folder):
            sync_folder(target)
        for gone in self._folder.glob(f"{GONE}*"):
            shutil.rmtree(gone)
        self._committed.rename(self._staging)
        shutil.rmtree(self._staging, ignore_errors=True)

    def _clear(self) -> None:
        for leftover in (self._staging, *self._folder.glob(f"{GONE}*")):
            shutil.rmtree(leftover, ignore_errors=True)

    def _stage(self, entries: Sequence[Entry], removed: Sequence[str], *, sync: bool) -> None:
        parts = [self._staging / part for part in (_ADDED, _CHANGED, _REMOVED)]
        for folder in (self._staging, *parts):
            make_private_folder(folder)
        staged = [self._stage_entry(entry, sync=sync) for entry in entries]
        for person in removed:
            staged.append(self._staging / _REMOVED / person)
            make_private_folder(staged[-1])
            self._stage_digest(person, staged[-1], sync=sync)
        if sync:
            for folder in (*staged, *parts, self._staging):
                sync_folder(folder)

    def _stage_entry(self, entry: Entry, *, sync: bool) -> Path:
        """Write the files of a person, new or not; return their folder."""
        known = check_folder(self._folder / entry.person.id)
        staged = self._staging / (_CHANGED if known else _ADDED) / entry.person.id
        make_private_folder(staged)
        for name in entry.crop_names:
            create_privately(staged / name, entry.crops[name], sync=sync)
        for name, content in entry.others.items():
            create_privately(staged / name, content, sync=sync)
        if entry.dates or (known and entry.dates is not None):
            create_privately(staged / photo_dates.FILE, entry.dates, sync=sync)
        create_privately(staged / record.FILE, entry.content, sync=sync)
        if known:
            self._stage_digest(entry.person.id, staged, sync=sync)
        return staged

    def _stage_digest(self, person: str, staged: Path, *, sync: bool) -> None:
        """Write the sha256 of the record that is to be replaced or removed."""
        create_privately(staged / _BEFORE, _digest(self._folder / person / record.FILE), sync=sync)


def _replace(staged: Path, target: Path) -> None:
    """Move crops and then the record into a folder, remove the crops that it does not name, and what was computed."""
    new, current = staged / record.FILE, target / record.FILE
    if new.exists() and not _is_unchanged(current, read_regular(staged / _BEFORE, _DIGEST_BYTES)):
        _log_superseded(target)
        new.unlink()
    source = new if new.exists() else current
    try:
        named = crop_names(record.decode(read_regular(source, record.MAX_BYTES), target, {}))
    except (ValueError, FileNotFoundError, WrongKindError, TooLargeError) as error:  # only a bad disk does that
        _log.error("people: %s is damaged (%s): %s stays as it is (not published)", source, error, target)
        return
    for name in sorted(named):
        if (staged / name).exists():
            (staged / name).replace(target / name)
    _replace_dates(staged / photo_dates.FILE, target / photo_dates.FILE)
    if new.exists():
        new.replace(current)
    for path in target.iterdir():
        if path.name not in named and _OWN_FILES.fullmatch(path.name):
            path.unlink()


def _replace_dates(new: Path, current: Path) -> None:
    """Move the dates of the photos into a folder; an empty file stands for none."""
    if not new.exists():
        return
    if new.stat().st_size:
        new.replace(current)
    else:
        current.unlink(missing_ok=True)
        new.unlink()


def _is_unchanged(current: Path, digest: bytes) -> bool:
    try:
        return _digest(current) == digest
    except (WrongKindError, TooLargeError):
        return False


def _digest(path: Path) -> bytes:
    """Return the sha256 of a file in hexadecimal; nothing if there is no file."""
    try:
        return hashlib.sha256(read_regular(path, record.MAX_BYTES)).hexdigest().encode()
    except FileNotFoundError:
        return b""


def _subfolders(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if is_own_folder(folder) else []


def _log_superseded(target: Path) -> None:
    _log.warning("people: %s was changed meanwhile: an interrupted change of it is dropped (not published)", target)
