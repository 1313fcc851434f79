"""Bytes -> a private file that is complete or absent, and on the disk when the call returns; a file -> its bytes.

What root creates is given to the owner of the folder that contains it. Otherwise `sudo facenode people add` would leave
files that the node, which runs as a user of its own, cannot read.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def read_bounded(path: Path, max_bytes: int) -> bytes:
    """Return the content of a regular file of at most so many bytes.

    A pipe or a device is refused: it could keep the reader waiting for ever, or have no end.

    Raises:
        OSError: the file cannot be read, is not a regular file, or is larger.
    """
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        _check(os.fstat(file), max_bytes)
        with os.fdopen(file, "rb", closefd=False) as opened:
            content = opened.read(max_bytes + 1)
    finally:
        os.close(file)
    if len(content) > max_bytes:  # it grew, or is one of /proc, whose sizes are 0
        raise OSError(errno.EFBIG, _too_large(max_bytes))
    return content


def check_bounded(path: Path, max_bytes: int) -> None:
    """Refuse a file that `read_bounded` would refuse, for libraries that read it themselves.

    Raises:
        OSError: the file does not exist, is not a regular file, or is larger.
    """
    _check(path.stat(), max_bytes)


def write_privately(path: Path, content: bytes) -> None:
    """Create or replace a file, with mode 0600.

    Raises:
        OSError: the file cannot be written; an existing file is unchanged.
    """
    with private_file(path) as file:
        file.write(content)


@contextmanager
def private_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file of mode 0600 that appears under its name when the context ends well, and never otherwise.

    Raises:
        OSError: the file cannot be written; an existing file is unchanged.
    """
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
            _give_to_owner(file.fileno(), path.parent)
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def make_private_folder(path: Path) -> None:
    """Create a folder of mode 0700, and the folders above it, if it does not exist.

    Raises:
        OSError: the folder cannot be created.
    """
    if path.is_dir():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    _give_to_owner(path, path.parent)


def sync_folder(path: Path) -> None:
    """Wait until the entries created, renamed or removed in a folder are on the disk.

    Raises:
        OSError: the disk reports an error.
    """
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _check(status: os.stat_result, max_bytes: int) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "a pipe or a device, not a regular file")
    if status.st_size > max_bytes:
        raise OSError(errno.EFBIG, _too_large(max_bytes))


def _too_large(max_bytes: int) -> str:
    return f"larger than {max_bytes >> 20} MB" if max_bytes >> 20 else f"larger than {max_bytes} bytes"


def _give_to_owner(created: int | Path, folder: Path) -> None:
    """If this process is root, give what it created to the owner of the folder that contains it."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(created, owner.st_uid, owner.st_gid)
