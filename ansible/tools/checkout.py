"""A checkout -> the files of its last commit, when that was made, and the program's wheel.

What is not committed is in none of them: the same commit gives the same bytes.
"""

import sys
import tarfile
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from command import ReleaseError, call


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit, laid out in a folder.

    Attributes:
        files: the folder, with all its files and nothing else.
        made_s: when it was made, in seconds since 1970.
        name: the first 12 hex digits of its hash.
    """

    files: Path
    made_s: int
    name: str

    @property
    def made(self) -> str:
        """When it was made, such as `2026-11-24T18:00:58Z`."""
        return f"{datetime.fromtimestamp(self.made_s, UTC):%Y-%m-%dT%H:%M:%SZ}"


def lay_out(checkout: Path, files: Path) -> Commit:
    """Lay the last commit of a checkout out in a folder that is not there yet.

    Raises:
        ReleaseError: it is no checkout, or has no commit.
    """
    made_s, name = _git(checkout, "log", "-1", "--format=%ct %H").split()
    files.mkdir()
    with tempfile.TemporaryDirectory() as work:
        archive = Path(work, "archive")
        _git(checkout, "archive", "--output", archive, "HEAD")
        with tarfile.open(archive) as content:
            content.extractall(files, filter="data")
    return Commit(files, int(made_s), name[:12])


def changed(checkout: Path) -> bool:
    """Return whether a checkout holds something that its last commit does not."""
    return bool(_git(checkout, "status", "--porcelain"))


def build_wheel(source: Path, folder: Path, made_s: int | None = None) -> Path:
    """Build the program's wheel into a folder and return its path.

    Args:
        source: the program's files.
        folder: for the wheel.
        made_s: the time of every file in it, in seconds since 1970; without it, one that is always the same.

    Raises:
        ReleaseError: it cannot be built.
    """
    environ = {} if made_s is None else {"SOURCE_DATE_EPOCH": str(made_s)}
    try:
        call(
            sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, source,
            environ=environ,
        )  # fmt: skip
    except ReleaseError as error:
        raise ReleaseError(f"{source}: the wheel cannot be built: {error}") from error
    return next(folder.glob("*.whl"))


def version(wheel: Path) -> str:
    """Return the version that a wheel's name says."""
    return wheel.name.split("-")[1]


def _git(checkout: Path, *arguments: str | Path) -> str:
    return call("git", "-C", checkout, *arguments)
