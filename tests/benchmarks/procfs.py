"""A process's files in `/proc` -> a sample of its resources."""

import os
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sample:
    """The resources of a process at one time.

    Attributes:
        at_s: seconds of the monotonic clock.
        rss_mb: resident memory, in megabytes.
        own_mb: the part of it that is anonymous, not backed by a file, in megabytes.
        files: open file descriptors.
        threads: number of threads.
        written_mb: data written to disks since its start, in megabytes.
        cpu_s: processor time since its start, in seconds.
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
        OSError: there is no such process, or no permission to read it.
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
