"""What `facenode check` finds on this machine."""

from pathlib import Path

import pytest

from node.diagnostics.finding import Finding
from node.diagnostics.local import local_findings
from node.settings.loader import load


def storage(folder: Path, *, allowed: bool) -> Finding:
    """Return what is found about a folder, for a user who may write everywhere or nowhere."""
    settings = load(
        None, {"storage": {"dir": folder}, "camera": {"source": f"images:{folder}/none"}}, {}, folder / "no.toml"
    )
    found = {each.name: each for each in local_findings(settings, access=lambda _path, _mode: allowed)}
    return found["storage"]


def test_a_folder_that_can_be_made_is_in_order_and_not_made(tmp_path: Path) -> None:
    """Whoever only checks leaves nothing behind."""
    folder = tmp_path / "a" / "b"
    assert storage(folder, allowed=True) == Finding("storage", ok=True, text=f"{folder} may be made")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("below", ["", "a/b"])
def test_a_folder_that_this_user_may_not_write_is_found_before_the_node_runs(tmp_path: Path, below: str) -> None:
    """As /var/lib/facenode is, to whoever runs a node without settings of their own; what to do is said."""
    found = storage(tmp_path / below, allowed=False)
    assert not found.ok
    assert found.text.startswith(f"{tmp_path} may not be written: name another folder by storage.dir")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    """Nothing can be made below it either."""
    (tmp_path / "file").touch()
    assert storage(tmp_path / "file" / "a", allowed=True).text == f"{tmp_path}/file is no folder: correct storage.dir"
