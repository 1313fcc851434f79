"""A wheel and a kind of machine -> one archive with all that the wheel needs there, each file with its checksum.

A kind of machine is an architecture and a Python, such as `aarch64-3.13`. Nodes fetch nothing from the internet: they
are given this archive, and pip takes from it only what has the checksums of its `lock.txt`.
"""

import hashlib
import re
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

from command import ReleaseError, call

_GLIBC = range(17, 37)
"""Versions 2.N of glibc that wheels may ask for: Debian 12, the older of the two, has 2.36."""
_CONSTRAINTS = "backports-strenum<1.3\n"
"""A release that says it wants a Python before 3.11, of which uv heeds only lower bounds."""
_KIND = re.compile(r"(x86_64|aarch64)-3\.\d{1,2}")
_WRITTEN_S = 315_532_800
"""1980, for every file of an archive: its bytes depend on its wheels alone. tar warns of earlier times."""


@dataclass(frozen=True, slots=True)
class Archive:
    """The dependencies for one kind of machine.

    Attributes:
        lock: first 16 hex digits of the sha256 of `lock.txt`: the environment's name on the nodes.
        path: the archive.
        sha256: its checksum.
    """

    lock: str
    path: Path
    sha256: str


class Wheelhouse:
    """A folder with an archive for each kind of machine and each set of dependencies, built once.

    Args:
        folder: where it lies.
        newest: such as `2026-11-24T18:00:00Z`: what was published later is not taken. Without it the newest is.
    """

    def __init__(self, folder: Path, newest: str | None = None) -> None:
        self._folder = folder
        self._newest = newest

    def archive(self, wheel: Path, kind: str) -> Archive:
        """Return the archive of what a wheel needs, from the folder where it is there already.

        Raises:
            ReleaseError: the kind is unknown, or a dependency has no wheel for it.
        """
        if not _KIND.fullmatch(kind):
            raise ReleaseError(f"{kind}: no kind of machine: write x86_64-3.13 or aarch64-3.11")
        folder = self._folder / kind
        folder.mkdir(parents=True, exist_ok=True)
        known = folder / f"{_digest(_requirements(wheel).encode())}.lock"
        if not known.exists():
            lock = self._build(wheel, kind, folder)
            known.write_text(f"{lock}\n", encoding="ascii")
        lock = known.read_text(encoding="ascii").strip()
        path = folder / f"{lock}.tar"
        if not path.exists():
            raise ReleaseError(f"{path}: is missing: remove {known}, so that it is built again")
        return Archive(lock, path, checksum(path))

    def _build(self, wheel: Path, kind: str, folder: Path) -> str:
        architecture, python = kind.split("-")
        with tempfile.TemporaryDirectory(dir=folder) as work:
            wheels, resolved = Path(work, "wheels"), Path(work, "resolved.txt")
            wheels.mkdir()
            constraints = Path(work, "constraints.txt")
            constraints.write_text(_CONSTRAINTS, encoding="ascii")
            # uv, since pip reads the conditions of dependencies as if they were for the Python that it runs on.
            call(
                _beside("uv"), "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--only-binary", ":all:",
                "--no-emit-package", "facenode", "--python-version", python,
                "--python-platform", f"{architecture}-manylinux_2_{_GLIBC[-1]}",
                "--constraints", constraints, "--output-file", resolved,
                *(("--exclude-newer", self._newest) if self._newest else ()), "-",
                given=f"facenode @ {wheel.resolve().as_uri()}\n",
            )  # fmt: skip
            platforms = [f"--platform=manylinux_2_{minor}_{architecture}" for minor in reversed(_GLIBC)]
            tag = f"cp{python.replace('.', '')}"
            call(
                sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
                f"--python-version={python}", "--implementation=cp", f"--abi={tag}", "--abi=abi3", "--abi=none",
                *platforms, f"--platform=manylinux2014_{architecture}", "--requirement", resolved,
                "--dest", wheels,
            )  # fmt: skip
            text = "".join(f"{_pinned(path)}\n" for path in sorted(wheels.glob("*.whl")))
            (wheels / "lock.txt").write_text(text, encoding="ascii")
            lock = _digest(text.encode())
            part = Path(work, "archive")
            with tarfile.open(part, "w") as archive:
                for path in sorted(wheels.iterdir()):
                    archive.add(path, arcname=path.name, filter=_plain)
            part.replace(folder / f"{lock}.tar")
        return lock


def checksum(path: Path) -> str:
    """Return the sha256 of a file, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _requirements(wheel: Path) -> str:
    """Return what a wheel says of itself that decides about its dependencies."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        head = HeaderParser().parsestr(archive.read(name).decode())
    return "\n".join(sorted(head.get_all("Requires-Dist", ())))


def _pinned(wheel: Path) -> str:
    name, version = wheel.name.split("-")[:2]
    return f"{name.replace('_', '-').lower()}=={version} --hash=sha256:{checksum(wheel)}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Return a file of an archive without what depends on who packs it, where and when."""
    member.mtime, member.mode = _WRITTEN_S, 0o644
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _beside(program: str) -> Path:
    """Return the program of the environment that this runs in."""
    return Path(sys.executable).parent / program
