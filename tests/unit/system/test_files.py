"""Private files that are complete or absent."""

import fcntl
import os
import stat
from pathlib import Path

import pytest

from node.system.files import (
    create_privately,
    make_private_folder,
    private_file,
    remove_partial,
    synced_file_system,
    write_privately,
)
from node.system.plain_files import WrongKindError, check_folder


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


@pytest.mark.parametrize("unnamed", [True, False])
def test_a_file_appears_only_when_it_is_complete(tmp_path: Path, *, unnamed: bool) -> None:
    """Without a name until then, or as a part where the file system has no such files; new, and over an old one."""
    for content in (b"one", b"two"):
        before = sorted(path.name for path in tmp_path.iterdir())
        with private_file(tmp_path / "a", unnamed=unnamed) as file:
            file.write(content)
            file.flush()
            meanwhile = sorted(path.name for path in tmp_path.iterdir())
            assert meanwhile == (before if unnamed else [*before, "a.part"])
        assert (tmp_path / "a").read_bytes() == content
        assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_only_a_part_that_nobody_writes_is_removed(tmp_path: Path) -> None:
    """What a killed process left goes at the next start; what another process is writing stays."""
    part = tmp_path / "a.part"
    remove_partial(tmp_path / "a")
    part.write_bytes(b"half")
    with part.open("rb") as writing:
        fcntl.flock(writing, fcntl.LOCK_EX)
        remove_partial(tmp_path / "a")
        assert part.exists()
    remove_partial(tmp_path / "a")
    assert not part.exists()


def test_a_file_is_created_only_if_there_is_none(tmp_path: Path) -> None:
    """Private, and never over another, not even through a link."""
    (tmp_path / "link").symlink_to("elsewhere")
    with synced_file_system(tmp_path):
        create_privately(tmp_path / "a", b"one", sync=False)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600
    for name in ("a", "link"):
        with pytest.raises(FileExistsError):
            create_privately(tmp_path / name, b"two", sync=True)
    assert (tmp_path / "a").read_bytes() == b"one"
