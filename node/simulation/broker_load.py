"""A broker's process on this machine -> the processor time and memory that it uses."""

import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_STATE_LISTEN = "0A"
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class ProcessUsage:
    """What a process has used.

    Attributes:
        name: the name of the program.
        cpu_s: processor time since its start, seconds.
        rss_mb: resident memory now, megabytes.
    """

    name: str
    cpu_s: float
    rss_mb: float


def process_usage(pid: int, proc: Path = _PROC) -> ProcessUsage | None:
    """Return what a process has used; None if there is no such process, or it cannot be read."""
    try:
        # The name is in parentheses and may contain anything; the numbered fields follow the last parenthesis.
        name, _, rest = (proc / str(pid) / "stat").read_text().partition("(")[2].rpartition(")")
        fields = rest.split()
        cpu_s = (int(fields[11]) + int(fields[12])) / _TICKS_PER_S
        return ProcessUsage(name, cpu_s, int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6)
    except (OSError, IndexError, ValueError):
        return None


def find_listener(host: str, port: int, proc: Path = _PROC) -> int | None:
    """Return the id of the process that listens on a port of this machine.

    None if the host is another machine, no process listens, or the owner of the socket cannot be read.
    """
    if not _is_local(host):
        return None
    inodes = set(_listening_inodes(port, proc))
    for folder in proc.glob("[0-9]*"):
        try:
            if any(str(each.readlink()) in inodes for each in (folder / "fd").iterdir()):
                return int(folder.name)
        except OSError:
            continue
    return None


def _listening_inodes(port: int, proc: Path) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        try:
            lines = (proc / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _STATE_LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                yield f"socket:[{fields[9]}]"


def _is_local(host: str) -> bool:
    """Return whether a host is this machine: a socket can be bound to its own addresses only."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as probe:
            probe.bind(address)
    except OSError:
        return False
    return True


class BrokerLoad:
    """Measure a broker's process, across restarts of the broker.

    Args:
        host: the broker's host.
        port: the broker's port.
        pid: the broker's process id if known; None: the process that listens on the port.

    Attributes:
        name: the name of the program.
        cpu_s: processor time used while it was observed, seconds.
        observed_s: how long it was observed, seconds.
        peak_mb: greatest resident memory, megabytes.
    """

    def __init__(self, host: str, port: int, pid: int | None) -> None:
        self._host, self._port, self._given_pid = host, port, pid
        self._pid = pid or find_listener(host, port)
        self._last: ProcessUsage | None = None
        self._last_s = 0.0
        self.name, self.cpu_s, self.observed_s, self.peak_mb = "", 0.0, 0.0, 0.0

    @property
    def measured(self) -> bool:
        """Whether the process was found and measured."""
        return self._last is not None

    @property
    def cpu_percent(self) -> float:
        """Processor time while it was observed, percent of one core."""
        return 100 * self.cpu_s / self.observed_s if self.observed_s else 0.0

    def sample(self, now_s: float) -> None:
        """Measure the process; call this repeatedly, with seconds of the monotonic clock."""
        if self._pid is None:
            return
        usage = process_usage(self._pid)
        if usage is None:
            # The broker was restarted. What the old process used since the last sample is unknown.
            self._pid = self._given_pid or find_listener(self._host, self._port)
            usage = None if self._pid is None else process_usage(self._pid)
            if usage is None:
                self._pid = self._pid or -1
                return
            self._last = None
        if self._last is not None:
            self.cpu_s += usage.cpu_s - self._last.cpu_s
            self.observed_s += now_s - self._last_s
        self.name, self.peak_mb, self._last, self._last_s = usage.name, max(self.peak_mb, usage.rss_mb), usage, now_s
