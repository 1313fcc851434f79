"""A checkout -> the files of its last commit, the time of that commit, and the program's wheel.

Uncommitted changes are left out, so the same commit gives the same bytes.
"""

import sys
import tarfile
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from command import ReleaseError, run_command


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit whose files are exported to a folder.

    Attributes:
        files: the folder, which holds the committed files and nothing else.
        committed_s: the commit time in seconds since 1970.
        short_hash: the first 12 hex digits of the commit's hash.
    """

    files: Path
    committed_s: int
    short_hash: str

    @property
    def committed_at(self) -> str:
        """The commit time in UTC, such as `2026-11-24T18:00:58Z`."""
        return f"{datetime.fromtimestamp(self.committed_s, UTC):%Y-%m-%dT%H:%M:%SZ}"


def export_commit(checkout: Path, files: Path) -> Commit:
    """Export the last commit of a checkout to a folder that does not exist yet.

    Raises:
        ReleaseError: the checkout is not a git repository or has no commit.
    """
    committed_s, full_hash = _git(checkout, "log", "-1", "--format=%ct %H").split()
    files.mkdir()
    with tempfile.TemporaryDirectory() as work:
        archive = Path(work, "archive")
        _git(checkout, "archive", "--output", archive, "HEAD")
        with tarfile.open(archive) as content:
            content.extractall(files, filter="data")
    return Commit(files, int(committed_s), full_hash[:12])


def has_uncommitted_changes(checkout: Path) -> bool:
    """Return whether a checkout differs from its last commit."""
    return bool(_git(checkout, "status", "--porcelain"))


def build_wheel(source: Path, folder: Path, timestamp_s: int | None = None) -> Path:
    """Build the program's wheel and return its path.

    Args:
        source: the folder of the program's source.
        folder: the folder for the wheel.
        timestamp_s: the time of every file in the wheel, in seconds since 1970; None for the build tool's fixed time.

    Raises:
        ReleaseError: the build fails.
    """
    variables = {} if timestamp_s is None else {"SOURCE_DATE_EPOCH": str(timestamp_s)}
    try:
        run_command(
            sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, source,
            variables=variables,
        )  # fmt: skip
    except ReleaseError as error:
        raise ReleaseError(f"cannot build the wheel of {source}: {error}") from error
    return next(folder.glob("*.whl"))


def wheel_version(wheel: Path) -> str:
    """Return the version in a wheel's file name."""
    return wheel.name.split("-")[1]


def _git(checkout: Path, *arguments: str | Path) -> str:
    return run_command("git", "-C", checkout, *arguments)
