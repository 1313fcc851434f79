"""Files that the caller names: opened with the caller's rights, whatever rights the process has afterwards."""

import os
import resource
import socket
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from node.system.caller_files import allow_open_files, open_for_caller, write_for_caller

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def as_user(uid: int) -> None:
    """Give up the rights of root in this process."""
    os.setresuid(uid, uid, uid)


def test_an_opened_file_is_read_and_closed(tmp_path: Path) -> None:
    """It keeps the name that the caller wrote."""
    (tmp_path / "a").write_bytes(b"one")
    opened = open_for_caller(tmp_path / "a")
    assert (str(opened), opened.read_bytes(), opened.file.closed) == (str(tmp_path / "a"), b"one", True)


def test_a_file_is_written_whole_and_private(tmp_path: Path) -> None:
    """It replaces a former one and what a power cut left, and nothing else is beside it."""
    (tmp_path / "a").write_bytes(b"former")
    (tmp_path / "a.part").write_bytes(b"half")
    with write_for_caller(tmp_path / "a") as file:
        file.write(b"new")
        assert (tmp_path / "a").read_bytes() == b"former"
    assert (tmp_path / "a").read_bytes() == b"new"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    """No part remains."""
    (tmp_path / "a").write_bytes(b"former")

    def broken() -> None:
        with write_for_caller(tmp_path / "a") as file:
            file.write(b"ne")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert (tmp_path / "a").read_bytes() == b"former"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("kind", ["a folder", "a FIFO", "a socket", "a link"])
def test_only_a_file_is_replaced(tmp_path: Path, kind: str) -> None:
    """What root puts in the place of a device such as /dev/null, or of a link such as /dev/stdout, harms everybody."""
    path = tmp_path / "a"
    with socket.socket(socket.AF_UNIX) as listener:
        make: dict[str, Callable[[], None]] = {
            "a folder": path.mkdir,
            "a FIFO": partial(os.mkfifo, path),
            "a socket": partial(listener.bind, str(path)),
            "a link": partial(path.symlink_to, "/dev/null"),
        }
        make[kind]()
    former = path.lstat()
    with pytest.raises(OSError, match="it exists and is not a regular file"), write_for_caller(path):
        pass
    assert path.lstat() == former
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@needs_root
def test_a_folder_that_appears_meanwhile_is_an_error_that_names_it(tmp_path: Path) -> None:
    """The error of the last step arrives, and no part remains."""
    with pytest.raises(OSError, match="Is a directory") as caught, write_for_caller(tmp_path / "a"):
        (tmp_path / "a").mkdir()
    assert str(tmp_path / "a") in {caught.value.filename, caught.value.filename2}
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@needs_root
@pytest.mark.parametrize("fails", [False, True])
def test_a_file_is_finished_with_the_rights_it_was_begun_with(tmp_path: Path, *, fails: bool) -> None:
    """The process becomes a user who may not even enter the folder."""
    os.chown(tmp_path, 23456, 23457)
    child = os.fork()
    if not child:
        try:
            with write_for_caller(tmp_path / "a") as file:
                as_user(12345)
                file.write(b"new")
                if fails:
                    os.close(file.fileno())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert [path.name for path in tmp_path.iterdir()] == ([] if fails else ["a"])
    if not fails:
        state = (tmp_path / "a").stat()
        assert (state.st_uid, state.st_gid, state.st_size) == (23456, 23457, 3)


def test_the_limit_of_open_files_grows_with_the_photos() -> None:
    """A folder of strangers may hold thousands; a limit that suffices stays."""
    former = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, former[1]))
        allow_open_files(10)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 256
        allow_open_files(300)
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 428
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, former)
