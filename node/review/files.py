"""The entries of the inbox <-> a file each in `storage.dir/review`, private, complete or absent."""

import logging
import os
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

from node.domain import counted
from node.people.likeness import Comparison
from node.people.person import Anchor
from node.people.trace import TraceKind
from node.review.entry import ReviewEntry
from node.review.entry_record import MAX_BYTES, decode, encode
from node.system.files import make_private_folder, remove_partial, sync_folder, write_privately
from node.system.plain_files import WrongKindError, check_folder, read_regular

FOLDER = "review"
MAX_FILES = 300
"""Most entries that are read. The program keeps no more; those that changed last count."""
MAX_FOLDER_BYTES = 64 << 20
"""Most bytes of the files that are read: more than the largest inbox takes."""
_NAME = re.compile(r"[0-9a-f]{8}\.json")

_log = logging.getLogger(__name__)


class ReviewFiles:
    """The files of the entries.

    Args:
        storage: the folder in which theirs is made with the first of them.

    Attributes:
        folder: where they are.
    """

    def __init__(self, storage: Path) -> None:
        self.folder = storage / FOLDER

    def load(self) -> list[ReviewEntry]:
        """Return every entry, the one seen first first.

        A file that is damaged, or one more than the program keeps, is removed, since it may show anybody.

        Raises:
            OSError: the folder cannot be read, or something else is in its place.
        """
        found = []
        for path in self._within_bounds(self._paths()):
            try:
                found.append(decode(read_regular(path, MAX_BYTES)))
            except FileNotFoundError:  # another process has removed it in this moment
                continue
            except (OSError, ValueError) as error:
                _log.error("inbox: %s is damaged (%s): it is removed", path, error)
                with suppress(OSError):
                    path.unlink()
        return sorted(found, key=lambda entry: (entry.seen.wall, entry.id))

    def save(self, entry: ReviewEntry) -> int:
        """Keep an entry; it is on the disk on return. Return the bytes of its file.

        Raises:
            OSError: it cannot be written; the former file is unchanged.
        """
        make_private_folder(self.folder)
        content = encode(entry)
        write_privately(self._path(entry.id), content)
        return len(content)

    def remove(self, ids: Iterable[str]) -> None:
        """Remove the files of entries.

        Raises:
            OSError: one of them cannot be removed.
        """
        removed = False
        for id_ in ids:
            with suppress(FileNotFoundError):
                self._path(id_).unlink()
                removed = True
        if removed:
            sync_folder(self.folder)

    def restore(self, ids: Collection[str]) -> None:
        """Show entries again whose decision was undone.

        Raises:
            OSError: the disk cannot be read or written.
        """
        for entry in self.load() if ids else ():
            if entry.id in ids:
                self.save(replace(entry, handled=None, assigned=None))

    def names(self, person: str) -> bool:
        """Return whether an entry holds the id of a person. What is not readable names nobody."""
        try:
            return any(entry.names(person) for entry in self.load())
        except OSError:
            return False

    def clear(self) -> None:
        """Remove every file that the program put there, and the folder.

        Raises:
            OSError: something cannot be removed.
        """
        for path in self._paths():
            remove_partial(path)
            path.unlink(missing_ok=True)
        with suppress(OSError):  # a file of the owner's own is in it
            self.folder.rmdir()

    def _paths(self) -> list[Path]:
        try:
            if not check_folder(self.folder):
                return []
        except WrongKindError:  # it is not ours, and is never read
            return []
        names = {path.name.removesuffix(".part") for path in self.folder.iterdir()}
        return [self.folder / name for name in sorted(names) if _NAME.fullmatch(name)]

    def _within_bounds(self, paths: Sequence[Path]) -> list[Path]:
        """Return the files that were written last, as many as are read; remove the others."""
        states = [(path, state) for path in paths if (state := _state(path)) is not None]
        states.sort(key=lambda each: each[1].st_mtime_ns, reverse=True)
        sizes = accumulate(min(state.st_size, MAX_BYTES) for _, state in states)
        count = sum(size <= MAX_FOLDER_BYTES for size in sizes)
        found = [path for path, _ in states]
        if surplus := found[min(count, MAX_FILES) :]:
            _log.error("inbox: %s: removed %s: too many or too large", self.folder, counted(len(surplus), "file"))
        for path in surplus:
            with suppress(OSError):
                path.unlink()
        return found[: min(count, MAX_FILES)]

    def _path(self, id_: str) -> Path:
        return self.folder / f"{id_}.json"


def _state(path: Path) -> os.stat_result | None:
    """Return the state of a file; None without one."""
    try:
        return path.lstat()
    except OSError:
        return None


class ReviewTraces:
    """What the files hold of people who are erased.

    Args:
        files: of the entries.
        anchors: returns those of a person.
        same: returns how faces that may be of one person are compared; None if they cannot be: then any may show them.

    Attributes:
        path: where the files are.
        kind: what they hold of a person.
    """

    kind = TraceKind.INBOX

    def __init__(
        self,
        files: ReviewFiles,
        anchors: Callable[[str], Sequence[Anchor]],
        same: Callable[[], Comparison | None],
    ) -> None:
        self._files, self._anchors, self._same = files, anchors, same
        self.path = files.folder

    def names(self, person: str) -> bool:
        """Return whether an entry holds the id of a person."""
        return self._files.names(person)

    def erase(self, person: str) -> None:
        """Remove every entry that may show a person.

        Raises:
            OSError: the disk cannot be read or written.
        """
        entries = self._files.load()
        if entries and (same := self._same()) is not None:
            faces = same.anchors(self._anchors(person))
            entries = [entry for entry in entries if entry.may_show(person, faces, same)]
        self._files.remove([entry.id for entry in entries])
