"""The products of a release: the export of a commit, and the errors when images cannot be built."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import export_commit, has_uncommitted_changes
from command import ReleaseError
from repository import MADE_S, Repository

TOOL = Path(__file__).resolve().parents[3] / "ansible" / "tools" / "products.py"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout with one commit."""
    repository = Repository(tmp_path / "checkout")
    (repository.folder / "program.py").write_text("committed")
    repository.commit("first")
    return repository.folder


def test_the_export_of_a_commit_leaves_out_uncommitted_changes(checkout: Path, tmp_path: Path) -> None:
    """Everyone who has the commit builds the same release."""
    assert not has_uncommitted_changes(checkout)
    (checkout / "program.py").write_text("changed")
    (checkout / "secret").write_text("beside")
    assert has_uncommitted_changes(checkout)
    commit = export_commit(checkout, tmp_path / "files")
    assert [path.name for path in commit.files.iterdir()] == ["program.py"]
    assert (commit.files / "program.py").read_text() == "committed"
    assert (commit.committed_s, commit.committed_at) == (MADE_S, "2023-11-14T22:13:20Z")


def test_a_folder_that_is_not_a_checkout_is_rejected(tmp_path: Path) -> None:
    """The error quotes git."""
    with pytest.raises(ReleaseError, match="not a git repository"):
        export_commit(tmp_path, tmp_path / "files")


@pytest.mark.parametrize(
    ("image", "why"), [("engine", "make release IMAGES="), ("arm64", "no Docker Engine answers"), ("mips", "no Docker")]
)
def test_a_missing_docker_engine_is_reported_before_anything_is_built(
    checkout: Path, tmp_path: Path, image: str, why: str
) -> None:
    """The error says how to build without images, shows no traceback, and earlier products remain."""
    (tmp_path / "dist").mkdir()
    done = subprocess.run(
        [sys.executable, TOOL, "--checkout", checkout, "--folder", tmp_path / "dist", "--image", image],
        env=os.environ | {"DOCKER_HOST": f"unix://{tmp_path}/nobody"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert why in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "dist").exists()
    assert not (checkout / "build").exists()
