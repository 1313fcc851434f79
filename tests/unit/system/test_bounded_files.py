"""Files that the settings name."""

import os
import socket
from pathlib import Path

import pytest

from node.system.bounded_files import check_bounded, read_bounded


def test_a_regular_file_is_read_whole_up_to_its_bound(tmp_path: Path) -> None:
    """One byte more is refused before any of it is kept; the size that a file claims is not believed."""
    (tmp_path / "a").write_bytes(b"12345678")
    assert read_bounded(tmp_path / "a", 8) == b"12345678"
    check_bounded(tmp_path / "a", 8)
    for read in (read_bounded, check_bounded):
        with pytest.raises(OSError, match="larger than 7 bytes"):
            read(tmp_path / "a", 7)
    with pytest.raises(OSError, match="larger than 10 bytes"):
        read_bounded(Path("/proc/cpuinfo"), 10)


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "socket", "nothing"])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    """A pipe without a writer must not keep the reader waiting, and a device has no end."""
    path = {"device": Path("/dev/zero"), "folder": tmp_path}.get(kind, tmp_path / kind)
    if kind == "pipe":
        os.mkfifo(path)
    with socket.socket(socket.AF_UNIX) as listener:
        if kind == "socket":
            listener.bind(str(path))
        for read in (read_bounded, check_bounded):
            with pytest.raises(OSError, match=r".") as caught:
                read(path, 1 << 20)
            assert caught.value.strerror
