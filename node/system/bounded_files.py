"""A file that the settings or the command line name -> its bytes, if it is a regular file of a bounded size.

A link is followed: whoever names a file may name a link. `node.system.plain_files` reads what the program keeps.
"""

import errno
import os
import stat
from pathlib import Path


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


def _check(status: os.stat_result, max_bytes: int) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "a pipe or a device, not a regular file")
    if status.st_size > max_bytes:
        raise OSError(errno.EFBIG, _too_large(max_bytes))


def _too_large(max_bytes: int) -> str:
    return f"larger than {max_bytes >> 20} MB" if max_bytes >> 20 else f"larger than {max_bytes} bytes"
