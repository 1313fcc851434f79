"""A wheel and a kind of machine -> one archive of all its dependencies, each with its checksum.

A kind of machine is an architecture and a Python version, such as `aarch64-3.13`. Nodes fetch no wheels from the
internet: they get this archive, from which pip installs only files that match the checksums in `lock.txt`.
"""

import hashlib
import re
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

from command import ReleaseError, run_command

_GLIBC = range(17, 37)
"""Minor versions of glibc 2 that wheels may require; Debian 12, the oldest supported system, has 2.36."""
_OWNER_EXTRAS = frozenset({"demo", "heic", "page"})
_CONSTRAINTS = "backports-strenum<1.3\n"
"""Later releases require a Python before 3.11, but uv ignores upper bounds."""
_KIND = re.compile(r"(x86_64|aarch64)-3\.\d{1,2}")
_MTIME_S = 315_532_800
"""1980, the time of every file in an archive, so that only the wheels decide its bytes; tar warns of earlier times."""


@dataclass(frozen=True, slots=True)
class Archive:
    """The archive of dependencies for one kind of machine.

    Attributes:
        lock: the first 16 hex digits of the sha256 of `lock.txt`, which name the virtual environment on the nodes.
        path: the archive file.
        sha256: the checksum of the archive.
    """

    lock: str
    path: Path
    sha256: str


class Wheelhouse:
    """A folder of archives, one for each kind of machine and set of dependencies, each built once.

    Args:
        folder: the folder; created when needed.
        exclude_newer: ignore wheels published after this time, such as `2026-11-24T18:00:00Z`; None for no limit.
    """

    def __init__(self, folder: Path, exclude_newer: str | None = None) -> None:
        self._folder = folder
        self._exclude_newer = exclude_newer

    def archive(self, wheel: Path, kind: str, extras: Sequence[str] = ()) -> Archive:
        """Return the archive of a wheel's dependencies; build it unless it exists.

        Args:
            wheel: the program.
            kind: the kind of machine.
            extras: the extras whose dependencies it holds, too.

        Raises:
            ReleaseError: the kind is invalid, a dependency has no wheel for it, or the archive is missing.
        """
        if not _KIND.fullmatch(kind):
            raise ReleaseError(f"{kind} is not a kind of machine: write, for example, x86_64-3.13 or aarch64-3.11")
        folder = self._folder / kind
        folder.mkdir(parents=True, exist_ok=True)
        wanted = ",".join(sorted(extras))
        lock_file = folder / f"{_digest(f'{_requirements(wheel)}{wanted}'.encode())}.lock"
        if not lock_file.exists():
            lock = self._build(wheel, kind, folder, f"facenode[{wanted}]" if wanted else "facenode")
            lock_file.write_text(f"{lock}\n", encoding="ascii")
        lock = lock_file.read_text(encoding="ascii").strip()
        path = folder / f"{lock}.tar"
        if not path.exists():
            raise ReleaseError(f"{path} is missing: remove {lock_file} to build it again")
        return Archive(lock, path, checksum(path))

    def _build(self, wheel: Path, kind: str, folder: Path, name: str) -> str:
        machine, python = kind.split("-")
        with tempfile.TemporaryDirectory(dir=folder) as work:
            wheels, resolved = Path(work, "wheels"), Path(work, "resolved.txt")
            wheels.mkdir()
            constraints = Path(work, "constraints.txt")
            constraints.write_text(_CONSTRAINTS, encoding="ascii")
            # uv, because pip evaluates markers for the Python that runs pip.
            run_command(
                _sibling_program("uv"), "pip", "compile", "--quiet", "--no-header", "--no-annotate",
                "--only-binary", ":all:", "--no-emit-package", "facenode", "--python-version", python,
                "--python-platform", f"{machine}-manylinux_2_{_GLIBC[-1]}",
                "--constraints", constraints, "--output-file", resolved,
                *(("--exclude-newer", self._exclude_newer) if self._exclude_newer else ()), "-",
                stdin=f"{name} @ {wheel.resolve().as_uri()}\n",
            )  # fmt: skip
            platforms = [f"--platform=manylinux_2_{minor}_{machine}" for minor in reversed(_GLIBC)]
            tag = f"cp{python.replace('.', '')}"
            run_command(
                sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
                f"--python-version={python}", "--implementation=cp", f"--abi={tag}", "--abi=abi3", "--abi=none",
                *platforms, f"--platform=manylinux2014_{machine}", "--requirement", resolved,
                "--dest", wheels,
            )  # fmt: skip
            text = "".join(f"{_pinned(path)}\n" for path in sorted(wheels.glob("*.whl")))
            (wheels / "lock.txt").write_text(text, encoding="ascii")
            lock = _digest(text.encode())
            part = Path(work, "archive")
            with tarfile.open(part, "w") as archive:
                for path in sorted(wheels.iterdir()):
                    archive.add(path, arcname=path.name, filter=_reproducible)
            part.replace(folder / f"{lock}.tar")
        return lock


def checksum(path: Path) -> str:
    """Return the sha256 of a file, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def owner_extras(wheel: Path) -> list[str]:
    """Return the extras of the program that the owner of a node may want: a release brings what they need."""
    return sorted(_OWNER_EXTRAS.intersection(_metadata(wheel).get_all("Provides-Extra", ())))


def _requirements(wheel: Path) -> str:
    """Return the sorted requirements of a wheel, a line each."""
    return "\n".join(sorted(_metadata(wheel).get_all("Requires-Dist", ())))


def _metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return HeaderParser().parsestr(archive.read(name).decode())


def _pinned(wheel: Path) -> str:
    """Return a wheel's line of `lock.txt`: name, version and checksum."""
    name, version = wheel.name.split("-")[:2]
    return f"{name.replace('_', '-').lower()}=={version} --hash=sha256:{checksum(wheel)}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _reproducible(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Return an archive member with a fixed time, mode and owner, so that the same wheels give the same archive."""
    member.mtime, member.mode = _MTIME_S, 0o644
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _sibling_program(program: str) -> Path:
    """Return the path of a program in the virtual environment of this process."""
    return Path(sys.executable).parent / program
