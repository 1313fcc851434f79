"""What the program keeps: only plain files of a bounded size are read, and nothing is followed or waited for.

It stands in folders that the program made itself. A link, a FIFO or a device in the place of one of its files was put
there by somebody else.
"""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

_KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFDIR: "a folder",
    stat.S_IFREG: "a file",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_PLAIN = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class WrongKindError(OSError):
    """Something is not of the kind that the program puts there; `strerror` says what to do."""

    def __init__(self, path: Path, found: int, expected: int) -> None:
        what, wanted = (_KINDS.get(stat.S_IFMT(mode), "something else") for mode in (found, expected))
        todo = f"remove it, or put {wanted} there that is no link"
        super().__init__(errno.EINVAL, f"it must be {wanted}, but it is {what}: {todo}", str(path))

    def __str__(self) -> str:
        """Return where it is, what it is, and what to do."""
        return f"{self.filename}: {self.strerror}"


class TooLargeError(OSError):
    """A file is larger than anything the program puts there."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        super().__init__(errno.EFBIG, f"more than {max_bytes} bytes", str(path))


def open_regular(path: Path, max_bytes: int | None = None) -> BinaryIO:
    """Open a plain file to read; do not follow a link and do not wait for a FIFO.

    Raises:
        WrongKindError: it is not a plain file.
        TooLargeError: it is larger than `max_bytes`.
        OSError: it cannot be opened.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | _PLAIN)
    except OSError:
        check_regular(path)  # a link, or a socket, which cannot be opened: say so
        raise
    state = os.fstat(descriptor)
    if not stat.S_ISREG(state.st_mode):
        os.close(descriptor)
        raise WrongKindError(path, state.st_mode, stat.S_IFREG)
    if max_bytes is not None and state.st_size > max_bytes:
        os.close(descriptor)
        raise TooLargeError(path, max_bytes)
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path, max_bytes: int) -> bytes:
    """Return the content of a plain file.

    Raises:
        WrongKindError: it is not a plain file.
        TooLargeError: it is larger than `max_bytes`.
        OSError: it cannot be read.
    """
    with open_regular(path, max_bytes) as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:  # it grew meanwhile
        raise TooLargeError(path, max_bytes)
    return content


def check_regular(path: Path) -> bool:
    """Return whether there is a plain file; False if there is nothing.

    Raises:
        WrongKindError: there is something else.
        OSError: it cannot be found out.
    """
    return _is(path, stat.S_IFREG)


def check_folder(path: Path) -> bool:
    """Return whether there is a folder, not a link to one; False if there is nothing.

    Raises:
        WrongKindError: there is something else.
        OSError: it cannot be found out.
    """
    return _is(path, stat.S_IFDIR)


def check_socket(path: Path) -> bool:
    """Return whether there is a socket; False if there is nothing.

    Raises:
        WrongKindError: there is something else.
        OSError: it cannot be found out.
    """
    return _is(path, stat.S_IFSOCK)


def _is(path: Path, expected: int) -> bool:
    try:
        found = path.lstat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_IFMT(found) != expected:
        raise WrongKindError(path, found, expected)
    return True
