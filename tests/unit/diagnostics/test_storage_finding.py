"""Check whether a node can keep its files."""

import os
from pathlib import Path

import pytest

from node.diagnostics.finding import Finding
from node.diagnostics.storage import storage_finding


def found(folder: Path, *, allowed: bool) -> Finding:
    """Return the finding about a folder, for a user who may write everywhere or nowhere."""
    return storage_finding(folder, lambda _path, _mode: allowed)


def test_a_folder_that_can_be_created_is_in_order_and_not_created(tmp_path: Path) -> None:
    """A check leaves nothing behind."""
    folder = tmp_path / "a" / "b"
    assert found(folder, allowed=True) == Finding("storage", ok=True, text=f"{folder} can be created")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("below", ["", "a/b"])
def test_a_folder_that_this_user_cannot_write_is_found_before_the_node_runs(tmp_path: Path, below: str) -> None:
    """/var/lib/facenode is one, for a user who runs a node without settings; the line says what to do."""
    finding = found(tmp_path / below, allowed=False)
    assert not finding.ok
    assert finding.text.startswith(f"{tmp_path} is not writable: set storage.dir to another folder")


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    """Nothing can be created below it either."""
    (tmp_path / "file").touch()
    finding = found(tmp_path / "file" / "a", allowed=True)
    assert finding == Finding("storage", ok=False, text=f"{tmp_path}/file is not a folder: correct storage.dir")


@pytest.mark.parametrize(
    ("mode", "group", "others"),
    [
        (0o700, None, None),
        (0o755, None, None),
        (0o777, None, "every user"),
        (0o1777, None, "every user"),
        (0o770, "own", None),
        (0o770, "foreign", "the members of group 12346"),
    ],
)
def test_a_folder_that_others_can_write_is_found(
    tmp_path: Path, mode: int, group: str | None, others: str | None
) -> None:
    """They could replace what the node keeps; the line says what to do."""
    tmp_path.chmod(mode)
    gid = tmp_path.stat().st_gid
    if group == "foreign":
        if os.geteuid() != 0:
            pytest.skip("only root can give a folder to a foreign group")
        os.chown(tmp_path, -1, gid := 12346)
    own = gid if group == "own" else 54321
    finding = storage_finding(tmp_path, lambda _path, _mode: True, lambda _uid: own)
    expected = (
        f"{tmp_path} is writable"
        if others is None
        else f"{tmp_path} can be written by {others}, who can replace what is in it: chmod 700 {tmp_path}"
    )
    assert finding == Finding("storage", ok=others is None, text=expected)
