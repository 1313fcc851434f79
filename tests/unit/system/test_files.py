"""Private files that are complete or absent."""

import os
import socket
import stat
from pathlib import Path

import pytest

from node.system.files import (
    TooLargeError,
    WrongKindError,
    check_folder,
    check_regular,
    make_private_folder,
    open_regular,
    private_file,
    read_regular,
    write_privately,
)


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


def test_folders_are_private_whatever_the_umask(tmp_path: Path) -> None:
    """Those above that did not exist, too."""
    former = os.umask(0)
    try:
        make_private_folder(tmp_path / "storage" / "people")
    finally:
        os.umask(former)
    assert [stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")] == [0o700, 0o700]


def test_a_link_to_a_folder_is_no_folder_of_ours(tmp_path: Path) -> None:
    """Somebody else put it there; only the folder of the settings may be a link."""
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    with pytest.raises(WrongKindError, match=r"link: it must be a folder, but it is a link: remove it"):
        make_private_folder(tmp_path / "link")
    make_private_folder(tmp_path / "link", through_link=True)
    make_private_folder(tmp_path / "link" / "people")
    assert check_folder(tmp_path / "there" / "people")


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
