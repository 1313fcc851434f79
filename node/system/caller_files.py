"""Files that the caller of a command names -> opened with the caller's rights, before the command gives them up.

`sudo facenode people add ada photo.jpg` reads a photo that root may read and then becomes the user of the service, who
may not. The photo is therefore opened first, and the file of an export is put in its place by a process that kept the
rights.
"""

import contextlib
import errno
import os
import resource
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from node.system.files import private_file

_ROOT = 0
_SPARE_FILES = 128
"""Open files that a command needs besides those of its caller."""


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file to read.

    Attributes:
        name: as the caller wrote it.
        file: its content, from the start.
    """

    name: str
    file: BinaryIO

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    def read_bytes(self) -> bytes:
        """Return the content and close the file.

        Raises:
            OSError: it cannot be read.
        """
        with self.file:
            return self.file.read()


def open_for_caller(path: Path) -> OpenedFile:
    """Open a file to read it later.

    Raises:
        OSError: it cannot be opened.
    """
    # Not in `with`: whoever reads it closes it.
    return OpenedFile(str(path), path.open("rb"))


def allow_open_files(count: int) -> None:
    """Raise this process's limit of open files where that many more need it; the system decides how far."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + _SPARE_FILES
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


@contextmanager
def write_for_caller(path: Path) -> Iterator[BinaryIO]:
    """Open a file of mode 0600 that appears under its name when the context ends well, and never otherwise.

    The rights of the moment when the context begins hold for all of it. What root writes is given to the owner of the
    folder, so that `sudo` leaves no file at home that its owner cannot read.

    Raises:
        OSError: the file cannot be written; what exists is unchanged.
    """
    _refuse_other_kinds(path)
    if os.geteuid() != _ROOT:  # only root can give up rights
        with private_file(path) as file:
            yield file
        return
    part = f"{path.name}.part"
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part, dir_fd=folder)
        finisher = _Finisher(folder, part, path.name)
        try:
            with _create(part, folder) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            finisher.drop()
            raise
        finisher.keep(path)
    finally:
        os.close(folder)


def _refuse_other_kinds(path: Path) -> None:
    """Refuse to replace what is not a file: a device or a link in /dev, which root may replace, is everybody's."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISREG(path.lstat().st_mode):
            raise OSError(errno.EEXIST, "it exists and is not a regular file", str(path))


def _create(name: str, folder: int) -> BinaryIO:
    """Create a file of mode 0600 in an open folder, and give it to the owner of the folder."""
    descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=folder)
    owner = os.fstat(folder)
    os.fchown(descriptor, owner.st_uid, owner.st_gid)
    return os.fdopen(descriptor, "w+b")


class _Finisher:
    """A process that renames a part of a file to its name, or removes it, with the rights of the moment of its start.

    It reads one byte and no more.
    """

    def __init__(self, folder: int, part: str, name: str) -> None:
        self._folder, self._part, self._name = folder, part, name
        answers, self._answer = os.pipe()
        self._process = os.fork()
        if not self._process:
            self._wait(answers)
        os.close(answers)

    def keep(self, path: Path) -> None:
        """Put the file in its place.

        Raises:
            OSError: it cannot be put there, and is removed.
        """
        code = self._finish(keep=True)
        if code:
            raise OSError(code, os.strerror(code), str(path))

    def drop(self) -> None:
        """Remove the part."""
        self._finish(keep=False)

    def _finish(self, *, keep: bool) -> int:
        if keep:
            with contextlib.suppress(BrokenPipeError):  # it was killed: its exit code says so
                os.write(self._answer, b"k")
        os.close(self._answer)
        code = os.waitstatus_to_exitcode(os.waitpid(self._process, 0)[1])
        return code if code >= 0 else errno.EIO

    def _wait(self, answers: int) -> None:
        """Do what the other process says, and remove the part if it says nothing before it ends."""
        code = 1
        try:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the other process, and this one then
            os.close(self._answer)
            code = self._end(keep=os.read(answers, 1) == b"k")
        finally:
            os._exit(code)

    def _end(self, *, keep: bool) -> int:
        """Rename or remove the part; return the number of the error, 0 for none."""
        code = 0
        if keep:
            try:
                os.replace(self._part, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
                os.fsync(self._folder)
            except OSError as error:
                code = error.errno or errno.EIO
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._part, dir_fd=self._folder)
        return code
