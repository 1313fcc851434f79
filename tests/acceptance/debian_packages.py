"""The program of this checkout, or of version 0.1.0 -> its Debian package for a kind of machine."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from debian_root import CACHE
from process import run
from wheel_variants import build_variant

ROOT = Path(__file__).resolve().parents[2]
FIRST, NEW = "0.1.0", "99.0.0"
"""The versions that are built: the first one, and this checkout's, which is newer than any."""
FIRST_COMMIT = "745f0171e8a2b3b67aa2b938d3806cbfdeeed293"
"""The last commit of version 0.1.0."""
KINDS = {12: "x86_64-3.11", 13: "x86_64-3.13"}
"""The kind of machine of the hosts, by their Debian release."""
_PYTHON = ROOT / ".venv-fleet" / "bin" / "python"
_BUILD_S = 3600.0


def build_package(wheel: Path, kind: str, folder: Path) -> Path:
    """Build the package of a wheel with this checkout's packaging, uncompressed since it is used once.

    Args:
        wheel: the program.
        kind: the kind of machine, such as `aarch64-3.13`.
        folder: the folder for the package.
    """
    for program, package in (("dh", "debhelper"), ("dpkg-buildpackage", "dpkg-dev")):
        if os.geteuid() != 0 or shutil.which(program) is None:
            pytest.skip(f"packages for booted hosts need root and {program} (apt install {package})")
    if not _PYTHON.exists():
        pytest.skip("no uv: make fleet")
    printed = run(
        _PYTHON, ROOT / "ansible" / "tools" / "debian_package.py", "--source", ROOT, "--wheel", wheel, "--kind", kind,
        "--wheelhouse", CACHE / "kinds" / "wheelhouse", "--folder", folder, "--compression=-Znone",
        "--time", str(int(wheel.stat().st_mtime)), timeout_s=_BUILD_S,
    )  # fmt: skip
    return Path(printed.splitlines()[-1])


def new_wheel(folder: Path) -> Path:
    """Build the program of this checkout as version NEW."""
    return build_variant("good", NEW, folder)


def first_wheel(folder: Path) -> Path:
    """Build the program of version 0.1.0; skip if the checkout's history does not go back so far."""
    archived = subprocess.run(["git", "-C", ROOT, "archive", FIRST_COMMIT], check=False, capture_output=True)
    if archived.returncode:
        pytest.skip("the commit of version 0.1.0 is missing: fetch the whole history")
    source = folder / "source"
    with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as archive:
        archive.extractall(source, filter="data")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, source)
    shutil.rmtree(source)
    (wheel,) = folder.glob(f"facenode-{FIRST}-*.whl")
    return wheel
