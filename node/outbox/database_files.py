"""The outbox's SQLite file and its journals -> refused if one is no regular file; moved aside together."""

import contextlib
import stat
from datetime import datetime
from pathlib import Path

JOURNALS = ("-wal", "-shm", "-journal")
"""What SQLite appends to the name of a file for the files that belong to it."""

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class IrregularFileError(OSError):
    """Something else than a regular file has the name of the outbox or of one of its journals."""


def refuse_irregular(path: Path) -> None:
    """Raise if the SQLite file or one of its journals exists but is no regular file.

    SQLite would wait for a pipe for ever, read a device without end, and follow a link out of the folder.

    Raises:
        IrregularFileError: says which it is and what to do.
        OSError: the folder cannot be read.
    """
    for each in (path, *(path.with_name(path.name + end) for end in JOURNALS)):
        with contextlib.suppress(FileNotFoundError):
            kind = stat.S_IFMT(each.lstat().st_mode)
            if kind != stat.S_IFREG:
                found = _KINDS.get(kind, "something")
                raise IrregularFileError(
                    f"{each}: this is {found}, not a file: move it away, or set storage.dir to another folder"
                )


def move_aside(path: Path, wall: datetime) -> Path:
    """Give the SQLite file and its journals a name with the date, and return that name.

    Raises:
        OSError: the folder cannot be written.
    """
    aside = path.with_name(f"{path.name}.damaged-{wall:%Y%m%dT%H%M%S}")
    for end in ("", *JOURNALS):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + end).rename(aside.with_name(aside.name + end))
    return aside
