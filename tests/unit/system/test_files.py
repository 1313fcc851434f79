"""Private files that are complete or absent."""

import os
import socket
import stat
from pathlib import Path

import pytest

from node.system.files import check_bounded, make_private_folder, private_file, read_bounded, write_privately


def test_a_file_is_private_and_replaced_whole(tmp_path: Path) -> None:
    """Mode 0600 whatever the umask, the former content gone, and nothing beside it."""
    former = os.umask(0)
    try:
        write_privately(tmp_path / "a", b"one")
        write_privately(tmp_path / "a", b"two")
    finally:
        os.umask(former)
    assert (tmp_path / "a").read_bytes() == b"two"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    """No partial file remains."""
    write_privately(tmp_path / "a", b"one")

    def broken() -> None:
        with private_file(tmp_path / "a") as file:
            file.write(b"tw")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert (tmp_path / "a").read_bytes() == b"one"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_partial_file_left_by_a_power_cut_is_replaced(tmp_path: Path) -> None:
    """The next write succeeds."""
    (tmp_path / "a.part").write_bytes(b"half")
    write_privately(tmp_path / "a", b"whole")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_root_creates_belongs_to_the_owner_of_the_folder(tmp_path: Path) -> None:
    """`sudo facenode people add` leaves no file that the node's user cannot read."""
    os.chown(tmp_path, 12345, 12346)
    make_private_folder(tmp_path / "people")
    write_privately(tmp_path / "people" / "a", b"")
    owners = [(path.stat().st_uid, path.stat().st_gid) for path in tmp_path.rglob("*")]
    assert owners == [(12345, 12346)] * 2


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
