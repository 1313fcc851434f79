"""This machine's apt mirror -> the root of a bare Debian 12 or 13 with systemd and ssh, built once in `.cache`."""

import os
import shutil
from pathlib import Path

import pytest
from debianroot import mirror, once
from process import run

SUITES = {12: "bookworm", 13: "trixie"}
_PACKAGES = "systemd,systemd-sysv,dbus,openssh-server,python3,python3-venv,sudo,iproute2,ca-certificates"
_STALE_S = 946_684_800.0


def host_root(debian: int) -> Path:
    """Return the root of a bare host; skip the test if it cannot be built.

    It holds packages that Raspberry Pi OS Lite also has, and nothing of Facenode.
    """
    for program, package in (("mmdebstrap", "mmdebstrap"), ("systemd-nspawn", "systemd-container")):
        if os.geteuid() != 0 or shutil.which(program) is None:
            pytest.skip(f"hosts of Debian need root and {program} (apt install {package})")
    return once(f"host-{SUITES[debian]}", lambda root: _make(root, SUITES[debian]))


def _make(root: Path, suite: str) -> None:
    lean = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("man", "locale", "doc")]
    run(
        "mmdebstrap", "--mode=root", "--variant=minbase", f"--include={_PACKAGES}",
        "--aptopt=Acquire::Languages none", *lean, suite, root, mirror(),
    )  # fmt: skip
    # This machine's trusted certificates, so that apt on the host can use the same mirror.
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", root / "etc/ssl/certs/ca-certificates.crt")
    # No login prompt on the console, and package lists so old that Ansible updates them.
    (root / "etc/systemd/system/console-getty.service").symlink_to("/dev/null")
    os.utime(root / "var/lib/apt/lists", (_STALE_S, _STALE_S))
