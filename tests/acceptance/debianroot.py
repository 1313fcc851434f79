"""This machine's apt mirror -> Debian 13 roots with Python 3.13, each made once and kept in `.cache`."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from process import run

CACHE = Path(__file__).resolve().parents[2] / ".cache"
_PACKAGES = ("python3", "python3-venv", "ca-certificates")
# The mounts live and end with the command: none is left behind, whatever becomes of the test.
_INSIDE = 'for each in proc dev; do mount --rbind "/$each" "$1/$each"; done; exec chroot "$@"'


def debian_root(name: str = "trixie", *more: str) -> Path:
    """Return a root, brought up to this machine's network; skip where it cannot be made.

    Args:
        name: of its folder in `.cache`.
        more: packages that it has beside Python.
    """
    if os.geteuid() != 0 or not shutil.which("mmdebstrap"):
        pytest.skip("a Debian 13 root needs root and mmdebstrap (apt install mmdebstrap)")
    root = CACHE / name
    if not (root / "usr/bin/python3.13").exists():
        CACHE.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix=f"{name}-", ignore_cleanup_errors=True) as folder:
            new = Path(folder) / "root"
            wanted = f"--include={','.join((*_PACKAGES, *more))}"
            run("mmdebstrap", "--mode=root", "--variant=minbase", wanted, "trixie", new, mirror())
            new.rename(root)
    # As in Debian's own image: a package that is installed starts no service.
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    certificates = Path(os.environ.get("PIP_CERT", "/etc/ssl/certs/ca-certificates.crt"))
    for file in (Path("/etc/resolv.conf"), Path("/etc/pip.conf"), certificates):
        if file.exists():
            (root / file.relative_to("/")).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, root / file.relative_to("/"))
    return root


def inside(root: Path, *command: str | Path) -> str:
    """Run a command inside the root and return what it printed."""
    return run(*within(root, *command))


def within(root: Path, *command: str | Path) -> tuple[str | Path, ...]:
    """Return the command that runs another inside the root; both have one process id."""
    return ("unshare", "--mount", "sh", "-ec", _INSIDE, "sh", root, *command)


def mirror() -> str:
    """Return the mirror that this machine's apt uses; skip where it uses none."""
    for source in Path("/etc/apt").rglob("*.sources"):
        for line in source.read_text().splitlines():
            if line.startswith("URIs:") and line.rstrip("/").endswith("/debian"):
                return line.split()[1]
    older = Path("/etc/apt/sources.list")
    for line in older.read_text().splitlines() if older.exists() else ():
        if line.startswith("deb ") and "/debian" in line:
            return next(part for part in line.split() if "://" in part)
    pytest.skip("no mirror of Debian in apt's sources")
