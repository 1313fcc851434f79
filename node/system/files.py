"""Bytes -> a file that is whole or not there, private, and on the disk when the call returns.

Whatever root makes belongs to the owner of the folder above it: else `sudo facenode people add` would leave files that
the node, which runs as a user of its own, cannot read.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def write_privately(path: Path, content: bytes) -> None:
    """Write a file, or replace it, with mode 0600.

    Raises:
        OSError: it cannot be written; a file that was there before is as it was.
    """
    with private_file(path) as file:
        file.write(content)


@contextmanager
def private_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file of mode 0600 that takes its place when the context ends well, and leaves no trace otherwise.

    Raises:
        OSError: it cannot be written; a file that was there before is as it was.
    """
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
            _give_away(file.fileno(), path.parent)
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def make_private_folder(path: Path) -> None:
    """Make a folder of mode 0700, and the folders above it, where it is not there yet.

    Raises:
        OSError: it cannot be made.
    """
    if path.is_dir():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=0o700, exist_ok=True)
    _give_away(path, path.parent)


def sync_folder(path: Path) -> None:
    """Wait until what was made, renamed or removed in a folder is on the disk.

    Raises:
        OSError: the disk says no.
    """
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _give_away(made: int | Path, folder: Path) -> None:
    """Give what root has made to the owner of the folder that it is in."""
    if os.geteuid() == 0:
        above = folder.stat()
        os.chown(made, above.st_uid, above.st_gid)
