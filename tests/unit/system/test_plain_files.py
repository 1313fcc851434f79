"""Files that the program keeps."""

import os
import socket
import stat
from pathlib import Path

import pytest

from node.system.plain_files import TooLargeError, WrongKindError, check_regular, open_regular, read_regular


def make_file(path: Path, kind: str) -> None:
    """Put something at a path."""
    if kind == "a link":
        path.with_name("target").write_bytes(b"x")
        path.symlink_to("target")
    elif kind == "a FIFO":
        os.mkfifo(path)
    elif kind == "a folder":
        path.mkdir()
    elif kind == "a socket":
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
    elif kind == "a device":
        if os.geteuid() != 0:
            pytest.skip("only root can make a device")
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))  # /dev/zero
    else:
        path.write_bytes(b"0123456789")


@pytest.mark.parametrize("kind", ["a link", "a FIFO", "a folder", "a socket", "a device"])
def test_only_a_plain_file_is_read(tmp_path: Path, kind: str) -> None:
    """A link is not followed, a FIFO not waited for, and /dev/zero does not fill the memory."""
    make_file(tmp_path / "a", kind)
    for look in (check_regular, open_regular, lambda path: read_regular(path, 10)):
        with pytest.raises(WrongKindError, match=f"a: it must be a file, but it is {kind}: remove it"):
            look(tmp_path / "a")


def test_no_more_than_the_limit_is_read(tmp_path: Path) -> None:
    """What is missing is missing, and what fits is read."""
    make_file(tmp_path / "a", "a file")
    assert read_regular(tmp_path / "a", 10) == b"0123456789"
    with pytest.raises(TooLargeError, match="more than 9 bytes"):
        read_regular(tmp_path / "a", 9)
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "b", 9)
    assert not check_regular(tmp_path / "b")
