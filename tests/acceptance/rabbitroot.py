"""This machine's mirror of Debian -> a root with RabbitMQ in it, made once and kept in `.cache`."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from debianroot import CACHE, mirror
from process import run

_SUITE = "trixie"
_PACKAGES = "rabbitmq-server,ca-certificates"


def rabbit_root() -> Path:
    """Return the root with RabbitMQ 4; skip where it cannot be made."""
    if os.geteuid() != 0 or not shutil.which("mmdebstrap"):
        pytest.skip("RabbitMQ needs root and mmdebstrap (apt install mmdebstrap)")
    root = CACHE / "rabbitmq"
    if not root.exists():
        CACHE.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="rabbitmq-", ignore_cleanup_errors=True) as folder:
            new = Path(folder) / "root"
            # A mirror that stands still has a Release file past its date; its signature is looked at all the same.
            options = ("--aptopt=Acquire::Check-Valid-Until false", "--aptopt=Acquire::Languages none")
            # As in Debian's own image: a package that is installed starts no service.
            quiet = "--essential-hook=printf '#!/bin/sh\\nexit 101\\n' >\"$1/usr/sbin/policy-rc.d\""
            executable = '--essential-hook=chmod 755 "$1/usr/sbin/policy-rc.d"'
            run(
                "mmdebstrap", "--mode=root", "--variant=minbase", f"--include={_PACKAGES}", *options, quiet, executable,
                _SUITE, new, mirror(),
            )  # fmt: skip
            new.rename(root)
    return root
