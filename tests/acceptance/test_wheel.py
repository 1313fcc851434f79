"""The wheel in a fresh environment: the demo runs from any folder."""

import shutil
import sys
import venv
from pathlib import Path

import pytest
from debian_root import debian_root, run_inside
from process import run

ROOT = Path(__file__).resolve().parents[2]
SEEN = ("recognized", "unknown", "left")
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel, built from the checkout."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT)
    (path,) = folder.glob("*.whl")
    return path


def test_the_demo_runs_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    """The bare wheel is enough on this Python, without the checkout, from `/`."""
    venv.create(tmp_path / "venv", with_pip=True)
    run(tmp_path / "venv/bin/pip", "install", "--quiet", wheel)
    shown = run(tmp_path / "venv/bin/facenode", "demo", cwd=Path("/"))
    assert all(kind in shown for kind in SEEN), shown


def test_the_demo_runs_from_the_wheel_on_debian_13(wheel: Path) -> None:
    """The wheel installs ai-edge-litert on Python 3.13, and the demo runs from `/`."""
    root = debian_root()
    home = root / "opt/facenode"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    shutil.copy(wheel, home)
    run_inside(root, "python3.13", "-m", "venv", "/opt/facenode/venv")
    run_inside(root, "/opt/facenode/venv/bin/pip", "install", "--quiet", f"/opt/facenode/{wheel.name}")
    freeze = run_inside(root, "/opt/facenode/venv/bin/pip", "freeze")
    assert "ai-edge-litert" in freeze
    assert "tflite-runtime" not in freeze
    shown = run_inside(root, "/opt/facenode/venv/bin/facenode", "demo")
    assert all(kind in shown for kind in SEEN), shown
