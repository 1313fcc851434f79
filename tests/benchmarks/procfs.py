"""A process's files in `/proc` -> a sample of what it holds."""

import os
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sample:
    """What a process held at a moment.

    Attributes:
        at_s: seconds of the monotonic clock.
        rss_mb: its memory, megabytes.
        own_mb: of it what is the process's own and backed by no file, megabytes.
        files: open file descriptors.
        threads: how many.
        written_mb: what it has caused to be written to disks since its start, megabytes.
        cpu_s: processor time since its start, seconds.
    """

    at_s: float
    rss_mb: float
    own_mb: float
    files: int
    threads: int
    written_mb: float
    cpu_s: float


def sample(pid: int, root: Path = Path("/proc")) -> Sample:
    """Return a sample of a process.

    Raises:
        OSError: there is none, or it may not be looked at.
    """
    folder = root / str(pid)
    status = _fields(folder / "status")
    times = (folder / "stat").read_text().rpartition(")")[2].split()
    ticks = int(times[11]) + int(times[12])
    return Sample(
        at_s=time.monotonic(),
        rss_mb=_kilobytes(status["VmRSS"]),
        own_mb=_kilobytes(status["RssAnon"]),
        files=len(list((folder / "fd").iterdir())),
        threads=int(status["Threads"]),
        written_mb=int(_fields(folder / "io")["write_bytes"]) / 1e6,
        cpu_s=ticks / os.sysconf("SC_CLK_TCK"),
    )


def _fields(path: Path) -> dict[str, str]:
    lines = (line.partition(":") for line in path.read_text().splitlines())
    return {name: value.strip() for name, _, value in lines}


def _kilobytes(value: str) -> float:
    return int(value.split(maxsplit=1)[0]) * 1024 / 1e6
