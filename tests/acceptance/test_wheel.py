"""The wheel, installed into a fresh environment: the demonstration runs from any directory."""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SEEN = ("recognized", "unknown", "left")
pytestmark = pytest.mark.timeout(900)


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Run a command to its end and return what it printed; fail with that where it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel, built from the checkout."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT)
    (path,) = folder.glob("*.whl")
    return path


def test_the_demo_runs_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    """On this Python, without the checkout, from `/`: the bare wheel is enough."""
    venv.create(tmp_path / "venv", with_pip=True)
    run(tmp_path / "venv/bin/pip", "install", "--quiet", wheel)
    shown = run(tmp_path / "venv/bin/facenode", "demo", cwd=Path("/"))
    assert all(kind in shown for kind in SEEN), shown


@pytest.fixture(scope="module")
def trixie() -> Iterator[Path]:
    """Return a Debian 13 root with Python 3.13, made once and kept in `.cache`."""
    if os.geteuid() != 0 or not shutil.which("mmdebstrap"):
        pytest.skip("a Debian 13 root needs root and mmdebstrap (apt install mmdebstrap)")
    root = ROOT / ".cache" / "trixie"
    if not (root / "usr/bin/python3.13").exists():
        root.parent.mkdir(exist_ok=True)
        packages = "--include=python3,python3-venv,ca-certificates"
        run("mmdebstrap", "--mode=root", "--variant=minbase", packages, "trixie", root, mirror())
    certificates = Path(os.environ.get("PIP_CERT", "/etc/ssl/certs/ca-certificates.crt"))
    for file in (Path("/etc/resolv.conf"), Path("/etc/pip.conf"), certificates):
        if file.exists():
            (root / file.relative_to("/")).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, root / file.relative_to("/"))
    for name in ("proc", "dev"):
        run("mount", "--bind", f"/{name}", root / name)
    try:
        yield root
    finally:
        for name in ("proc", "dev"):
            run("umount", root / name)


def mirror() -> str:
    """Return the mirror that this machine's apt uses."""
    for source in Path("/etc/apt").rglob("*.sources"):
        for line in source.read_text().splitlines():
            if line.startswith("URIs:") and line.rstrip("/").endswith("/debian"):
                return line.split()[1]
    for line in Path("/etc/apt/sources.list").read_text().splitlines():
        if line.startswith("deb ") and "/debian" in line:
            return next(part for part in line.split() if "://" in part)
    pytest.skip("no mirror of Debian in apt's sources")


def test_the_demo_runs_from_the_wheel_on_debian_13(wheel: Path, trixie: Path) -> None:
    """On Python 3.13 with ai-edge-litert, from `/`."""
    home = trixie / "opt/facenode"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    shutil.copy(wheel, home)
    run("chroot", trixie, "python3.13", "-m", "venv", "/opt/facenode/venv")
    run("chroot", trixie, "/opt/facenode/venv/bin/pip", "install", "--quiet", f"/opt/facenode/{wheel.name}")
    freeze = run("chroot", trixie, "/opt/facenode/venv/bin/pip", "freeze")
    assert "ai-edge-litert" in freeze
    assert "tflite-runtime" not in freeze
    shown = run("chroot", trixie, "/opt/facenode/venv/bin/facenode", "demo")
    assert all(kind in shown for kind in SEEN), shown
