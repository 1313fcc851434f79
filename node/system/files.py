"""Bytes -> a private file that is complete or absent, and on the disk when the call returns."""

import ctypes
import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from node.system.plain_files import check_folder

_PART = ".part"
_NO_UNNAMED_FILES = {errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL}
"""What file systems and kernels without O_TMPFILE answer, such as FAT on a USB stick."""


def write_privately(path: Path, content: bytes) -> None:
    """Create or replace a file, with mode 0600.

    Raises:
        OSError: the file cannot be written; an existing file is unchanged.
    """
    with private_file(path) as file:
        file.write(content)


def touch_privately(path: Path) -> None:
    """Create an empty file of mode 0600, unless it exists. It takes no room for content.

    Raises:
        OSError: the file cannot be created.
    """
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    try:
        os.fsync(file)
    finally:
        os.close(file)
    sync_folder(path.parent)


@contextmanager
def private_file(path: Path, *, unnamed: bool = True) -> Iterator[BinaryIO]:
    """Open a file of mode 0600 that appears under its name when the context ends well, and never otherwise.

    Until then the file has no name, so that a process which is killed leaves nothing. Where the file system does not
    support that, it is called `<name>.part`, and is locked while it is written.

    Args:
        path: the file.
        unnamed: whether to try a file without a name.

    Raises:
        OSError: the file cannot be written; an existing file is unchanged.
    """
    part = _part(path)
    part.unlink(missing_ok=True)
    nameless = _open_unnamed(path.parent) if unnamed else None
    try:
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600) if nameless is None else nameless
        with os.fdopen(descriptor, "w+b") as file:
            with suppress(OSError):  # some file systems have no locks
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield file
            file.flush()
            os.fsync(descriptor)
            if nameless is None or not _named(descriptor, path, part):
                part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def remove_partial(path: Path) -> None:
    """Remove `<name>.part` where possible, if no process writes it any more, since the one that did was killed."""
    part = _part(path)
    with suppress(OSError):
        descriptor = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink(missing_ok=True)
        finally:
            os.close(descriptor)


def create_privately(path: Path, content: bytes, *, sync: bool) -> None:
    """Create a file with mode 0600 that does not exist yet.

    Args:
        path: the file.
        content: all of it.
        sync: whether to wait until the content is on the disk; the folder's entry may still not be.

    Raises:
        OSError: the file exists or cannot be written; part of it may remain.
    """
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        if sync:
            file.flush()
            os.fsync(file.fileno())


def replace_unsynced(path: Path, content: bytes) -> None:
    """Create or replace a file, with mode 0600, whose content may be lost or cut off if the power fails.

    Raises:
        OSError: the file cannot be written; an existing file is unchanged.
    """
    part = _part(path)
    part.unlink(missing_ok=True)
    try:
        create_privately(part, content, sync=False)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextmanager
def synced_file_system(folder: Path) -> Iterator[None]:
    """When the context ends well, wait until all that was written to the file system of a folder is on the disk.

    For thousands of files this is far faster than waiting for each.

    Raises:
        OSError: the disk reports an error.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)  # from here on errors are reported to it
    try:
        yield
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.syncfs(descriptor):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(folder))
    finally:
        os.close(descriptor)


def make_private_folder(path: Path, *, through_link: bool = False) -> None:
    """Create a folder of mode 0700, and the folders above it, if it does not exist.

    Args:
        path: of the folder.
        through_link: whether a link to a folder will do.

    Raises:
        WrongKindError: there is something else.
        OSError: the folder cannot be created.
    """
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        if not (through_link and path.is_dir()):
            check_folder(path)
    except FileNotFoundError:
        make_private_folder(path.parent, through_link=True)
        make_private_folder(path)


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


def _part(path: Path) -> Path:
    return path.with_name(f"{path.name}{_PART}")


def _open_unnamed(folder: Path) -> int | None:
    """Return a file without a name in a folder; None where that is not supported."""
    try:
        descriptor = os.open(folder, os.O_RDWR | os.O_TMPFILE, 0o600)
    except OSError as error:
        if error.errno in _NO_UNNAMED_FILES:
            return None
        raise
    if _descriptor_path(descriptor).exists():
        return descriptor
    os.close(descriptor)
    return None


def _named(descriptor: int, path: Path, part: Path) -> bool:
    """Give an unnamed file its name; if that is taken, the name of its part instead, and return False."""
    source = _descriptor_path(descriptor)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # Only with a folder does Python call linkat(2), which follows the link in /proc to the file itself.
        os.link(source, path.name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=True)
    except FileExistsError:
        os.link(source, part.name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=True)
        return False
    finally:
        os.close(folder)
    return True


def _descriptor_path(descriptor: int) -> Path:
    return Path(f"/proc/self/fd/{descriptor}")
