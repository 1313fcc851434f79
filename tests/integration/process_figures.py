"""A process id -> its peak of memory and its processor time."""

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from facenode_command import environment

_TICKS_S = os.sysconf("SC_CLK_TCK")
_POLL_S = 0.01


def reset_peak(pid: int) -> None:
    """Let `peak_mb` count from here."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_mb(pid: int) -> float:
    """Return the greatest resident memory of a process, megabytes."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024 / 1e6


def cpu_s(pid: int) -> float:
    """Return the processor time that a process has used, in user and kernel mode, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_S


def command_peak_mb(settings: Mapping[str, object], *arguments: str, seconds: float) -> tuple[float, str]:
    """Run a command for at most so many seconds; return its greatest memory, megabytes, and all that it printed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "node.cli", *arguments],
        env=environment(settings), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    printed: list[str] = []
    reader = threading.Thread(target=lambda: printed.extend(process.stdout or ()))
    reader.start()
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    peak, pause = 0.0, threading.Event()
    while process.poll() is None:
        with suppress(OSError, ValueError):  # it has just ended
            peak = peak_mb(process.pid)
        pause.wait(_POLL_S)
    timer.cancel()
    reader.join()
    if process.stdout is not None:
        process.stdout.close()
    return peak, "".join(printed)
