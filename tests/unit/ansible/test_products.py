"""The products of a release: what is said where they cannot be built, and what a commit gives."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import changed, lay_out
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


def test_a_commit_is_laid_out_without_what_is_not_committed(checkout: Path, tmp_path: Path) -> None:
    """A release is of a commit: whoever has that builds the same."""
    assert not changed(checkout)
    (checkout / "program.py").write_text("changed")
    (checkout / "secret").write_text("beside")
    assert changed(checkout)
    commit = lay_out(checkout, tmp_path / "files")
    assert [path.name for path in commit.files.iterdir()] == ["program.py"]
    assert (commit.files / "program.py").read_text() == "committed"
    assert (commit.made_s, commit.made) == (MADE_S, "2023-11-14T22:13:20Z")


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    """In git's own words."""
    with pytest.raises(ReleaseError, match="not a git repository"):
        lay_out(tmp_path, tmp_path / "files")


@pytest.mark.parametrize(
    ("image", "why"), [("engine", "make release IMAGES="), ("arm64", "no Docker Engine answers"), ("mips", "no Docker")]
)
def test_no_engine_is_said_before_anything_is_built(checkout: Path, tmp_path: Path, image: str, why: str) -> None:
    """With the way to go on without images; no traceback, and what was there before stays."""
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
