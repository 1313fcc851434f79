"""This machine's mirrors of Debian and PyPI -> a root with Home Assistant, made once and kept in `.cache`.

Home Assistant needs a newer Python than this machine's: 2026.11 runs on that of Debian 14, 2026.2 on that of Debian 13.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest
from debian_root import apt_mirror, cached_folder
from process import run

VERSION = os.environ.get("FACENODE_HOMEASSISTANT", "2026.11.0")
OLDER = VERSION.startswith("2026.2.")
SUITE = "trixie" if OLDER else "forky"
_PACKAGES = "python3,python3-venv,python3-dev,gcc,g++,libc6-dev,ca-certificates,tzdata,libturbojpeg0"
_COMPONENTS = (
    "mqtt", "http", "api", "frontend", "hassio", "ai_task", "assist_pipeline", "assist_satellite", "conversation",
    "tts", "stt", "camera", "stream", "ffmpeg", "analytics", "backup", "network", "automation", "person", "schedule",
    "image", "event", "infrared", "radio_frequency", "mobile_app",
)  # fmt: skip
"""The components that Home Assistant loads; their packages are installed here, since it must not fetch any itself."""
_ENVIRONMENT = (
    "env", "-i", "PATH=/ha/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
    "PIP_CERT=/etc/ssl/certs/ca-certificates.crt", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
)  # fmt: skip


def home_assistant_root() -> Path:
    """Return the root with Home Assistant; skip if it cannot be made."""
    if os.geteuid() != 0 or not shutil.which("mmdebstrap"):
        pytest.skip("Home Assistant needs root and mmdebstrap (apt install mmdebstrap)")
    # The digest keeps it apart from roots with other packages.
    made = hashlib.sha256(repr((_PACKAGES, _COMPONENTS)).encode()).hexdigest()[:8]
    return cached_folder(f"homeassistant-{VERSION}-{made}", _make)


def command_inside(root: Path, *command: str | Path) -> tuple[str | Path, ...]:
    """Return the command that runs another one inside the root, with the same process id."""
    return ("chroot", root, *_ENVIRONMENT, *command)


def _make(root: Path) -> None:
    # A frozen mirror has an expired Release file; its signature is still verified.
    options = ("--aptopt=Acquire::Check-Valid-Until false", "--aptopt=Acquire::Languages none")
    run(
        "mmdebstrap", "--mode=root", "--variant=minbase", f"--include={_PACKAGES}", *options, SUITE, root, apt_mirror()
    )  # fmt: skip
    for file in (Path("/etc/resolv.conf"), Path("/etc/pip.conf"), Path("/etc/ssl/certs/ca-certificates.crt")):
        if file.exists():
            shutil.copy(file, root / file.relative_to("/"))
    run(*command_inside(root, "python3", "-m", "venv", "/ha"))
    run(*command_inside(root, "/ha/bin/pip", "install", "--quiet", "uv"))
    _install(root, f"homeassistant=={VERSION}")
    (package,) = root.glob("ha/lib/python3*/site-packages/homeassistant")
    wanted = root / "ha/wanted.txt"
    wanted.write_text("\n".join(sorted(_requirements(package / "components", _COMPONENTS))))
    constraints = "/" / (package / "package_constraints.txt").relative_to(root)
    _install(root, "-c", constraints, "-r", "/ha/wanted.txt")
    shutil.rmtree(root / "root/.cache", ignore_errors=True)


def _install(root: Path, *what: str | Path) -> None:
    run(*command_inside(root, "/ha/bin/uv", "pip", "install", "--quiet", "--python", "/ha/bin/python", *what))


def _requirements(components: Path, names: tuple[str, ...]) -> set[str]:
    """Return the packages of components and of all their dependencies."""
    found: set[str] = set()
    left, seen = list(names), set[str]()
    while left:
        name = left.pop()
        path = components / name / "manifest.json"
        if name in seen or not path.exists():
            continue
        seen.add(name)
        manifest = json.loads(path.read_text())
        found.update(manifest.get("requirements", ()))
        left += manifest.get("dependencies", ())
    return found
