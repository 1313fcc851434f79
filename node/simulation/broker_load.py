"""A broker's process on this machine -> the processor time and memory that it takes."""

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_LISTENS = "0A"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Use:
    """What a process has used.

    Attributes:
        name: of the program.
        cpu_s: processor time since it started, seconds.
        rss_mb: its memory now, megabytes.
    """

    name: str
    cpu_s: float
    rss_mb: float


def use(pid: int, proc: Path = _PROC) -> Use | None:
    """Return what a process has used; None where there is none, or it may not be read."""
    try:
        # The name is in parentheses and may hold anything; the fields that count stand behind it.
        name, _, rest = (proc / str(pid) / "stat").read_text().partition("(")[2].rpartition(")")
        fields = rest.split()
        cpu_s = (int(fields[11]) + int(fields[12])) / _TICKS
        return Use(name, cpu_s, int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6)
    except (OSError, IndexError, ValueError):
        return None


def listener(host: str, port: int, proc: Path = _PROC) -> int | None:
    """Return the process that listens on a port of this machine.

    None where the host is another machine, nobody listens, or whose socket it is may not be read.
    """
    if not _is_here(host):
        return None
    inodes = set(_inodes(port, proc))
    for folder in proc.glob("[0-9]*"):
        try:
            if any(str(each.readlink()) in inodes for each in (folder / "fd").iterdir()):
                return int(folder.name)
        except OSError:
            continue
    return None


def _inodes(port: int, proc: Path) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        try:
            lines = (proc / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTENS and int(fields[1].rpartition(":")[2], 16) == port:
                yield f"socket:[{fields[9]}]"


def _is_here(host: str) -> bool:
    """Return whether a host is this machine: only its own addresses can be bound to."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as probe:
            probe.bind(address)
    except OSError:
        return False
    return True


class Gauge:
    """Follow a broker's process, also to the one that takes its place.

    Args:
        host: the broker's.
        port: the broker's.
        pid: its process where it is known; else who listens on the port is looked for.
    """

    def __init__(self, host: str, port: int, pid: int | None) -> None:
        self._host, self._port, self._given = host, port, pid
        self._pid = pid or listener(host, port)
        self._last: Use | None = None
        self._last_s = 0.0
        self.name, self.cpu_s, self.seen_s, self.most_mb = "", 0.0, 0.0, 0.0

    @property
    def known(self) -> bool:
        """Whether there is anything to tell."""
        return self._last is not None

    @property
    def cpu_percent(self) -> float:
        """Processor time while it was there, percent of one core."""
        return 100 * self.cpu_s / self.seen_s if self.seen_s else 0.0

    def sample(self, now_s: float) -> None:
        """Look at it; to be called now and then, with seconds of the monotonic clock."""
        if self._pid is None:
            return
        now = use(self._pid)
        if now is None:
            # It was restarted. What it used since the last look is not known.
            self._pid = self._given or listener(self._host, self._port)
            now = None if self._pid is None else use(self._pid)
            if now is None:
                self._pid = self._pid or -1
                return
            self._last = None
        if self._last is not None:
            self.cpu_s += now.cpu_s - self._last.cpu_s
            self.seen_s += now_s - self._last_s
        self.name, self.most_mb, self._last, self._last_s = now.name, max(self.most_mb, now.rss_mb), now, now_s
