"""This machine's apt mirror -> Debian root folders, each made once and kept in `.cache`."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from process import run

CACHE = Path(__file__).resolve().parents[2] / ".cache"
PYTHON = ("python3", "python3-venv", "ca-certificates")
# The mounts end with the command, so none is left behind, whatever happens to the test.
_CHROOT_SCRIPT = 'for each in proc dev; do mount --rbind "/$each" "$1/$each"; done; exec chroot "$@"'


def debian_root(name: str = "trixie", *more: str) -> Path:
    """Return a root of Debian 13 with Python and this machine's network settings; skip if it cannot be made.

    Args:
        name: the name of its folder in `.cache`.
        more: packages to install in addition to Python.
    """
    root = bare_root(name, "trixie", *PYTHON, *more)
    # As in Debian's own image, installing a package starts no service.
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    certificates = Path(os.environ.get("PIP_CERT", "/etc/ssl/certs/ca-certificates.crt"))
    for file in (Path("/etc/resolv.conf"), Path("/etc/pip.conf"), certificates):
        if file.exists():
            (root / file.relative_to("/")).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, root / file.relative_to("/"))
    return root


def slim_root() -> Path:
    """Return a root of Debian 13 like Docker's slim image: without Python, certificates or documentation."""
    left_out = [f"--dpkgopt=path-exclude=/usr/share/{each}/*" for each in ("man", "doc", "locale", "info")]
    return bare_root("slim", "trixie", options=left_out)


def bare_root(name: str, suite: str, *packages: str, options: Sequence[str] = ()) -> Path:
    """Return a root without settings of this machine except its apt mirror; skip if it cannot be made.

    Args:
        name: the name of its folder in `.cache`, to which a digest of the command that makes it is added.
        suite: the code name of the Debian release.
        packages: packages to install in addition to the minimum.
        options: options for mmdebstrap.
    """
    if os.geteuid() != 0 or not shutil.which("mmdebstrap"):
        pytest.skip("a root of Debian needs root and mmdebstrap (apt install mmdebstrap)")
    wanted = [f"--include={','.join(packages)}"] if packages else []
    command = ("mmdebstrap", "--mode=root", "--variant=minbase", *wanted, *options, suite)
    # The digest keeps it apart from roots that other commands have made.
    made = hashlib.sha256(repr(command).encode()).hexdigest()[:8]
    return cached_folder(f"{name}-{made}", lambda root: run(*command, root, apt_mirror()))


def cached_folder(name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder of `.cache`, making it if it is missing; an incomplete one is not kept.

    Args:
        name: the folder's name.
        make: makes the folder at the given path.
    """
    root = CACHE / name
    if not root.exists():
        CACHE.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix=f"{name}-", ignore_cleanup_errors=True) as folder:
            Path(folder).chmod(0o755)  # users of the root need to pass through it
            make(new := Path(folder) / "root")
            new.rename(root)
    return root


def run_inside(root: Path, *command: str | Path) -> str:
    """Run a command inside the root and return its output."""
    return run(*command_inside(root, *command))


def command_inside(root: Path, *command: str | Path) -> tuple[str | Path, ...]:
    """Return the command that runs another one inside the root, with the same process id."""
    return ("unshare", "--mount", "sh", "-ec", _CHROOT_SCRIPT, "sh", root, *command)


def run_offline(root: Path, script: str, code: int = 0) -> str:
    """Run a bash script inside the root, with no network but loopback; return its output.

    Args:
        root: the root.
        script: the lines.
        code: the expected exit code.
    """
    environ = {"PATH": os.environ["PATH"], "HOME": "/root", "LC_ALL": "C.UTF-8"}
    command = ("unshare", "--mount", "--net", "sh", "-ec", f"ip link set lo up; {_CHROOT_SCRIPT}", "sh", root)
    return run(*command, "bash", "-euo", "pipefail", "-c", script, environ=environ, code=code)


def apt_mirror() -> str:
    """Return the mirror that this machine's apt uses; skip if there is none."""
    for source in Path("/etc/apt").rglob("*.sources"):
        for line in source.read_text().splitlines():
            if line.startswith("URIs:") and line.rstrip("/").endswith("/debian"):
                return line.split()[1]
    older = Path("/etc/apt/sources.list")
    for line in older.read_text().splitlines() if older.exists() else ():
        if line.startswith("deb ") and "/debian" in line:
            return next(part for part in line.split() if "://" in part)
    pytest.skip("no mirror of Debian in apt's sources")
