"""State of the loop -> notifications to systemd, sent through the socket that NOTIFY_SOCKET names.

systemd counts a service of type `notify` as started once it sends READY. With WatchdogSec it restarts a service that
stays silent for longer: sd_notify(3), systemd.service(5). Without a socket, as on a terminal, nothing is sent.

Where there is no such socket, as in a container, a callback learns whether the node is working.
"""

import contextlib
import os
import socket
from collections.abc import Callable, Mapping

_MICROSECONDS = 1e6
_PINGS_PER_WATCHDOG = 4
"""Pings within the time that the watchdog waits, so that a late one restarts nothing."""


class Service:
    """Notifies the service manager that watches this process.

    Args:
        notify_socket: address of the socket; `@` stands for the zero byte of an abstract one. None: notify nobody.
        watchdog_s: seconds of silence that the watchdog allows. None: there is no watchdog.
        on_working: is given whether the node is working, whenever that changes.
    """

    def __init__(
        self,
        notify_socket: str | None = None,
        watchdog_s: float | None = None,
        on_working: Callable[[bool], None] = lambda _working: None,
    ) -> None:
        self._notify_socket = notify_socket
        self._ping_every_s = None if watchdog_s is None else watchdog_s / _PINGS_PER_WATCHDOG
        self._pinged_s = float("-inf")
        self._status = ""
        self._ready = False
        self._on_working = on_working
        self._working: bool | None = None

    @classmethod
    def from_environment(
        cls,
        environ: Mapping[str, str] = os.environ,
        pid: int | None = None,
        on_working: Callable[[bool], None] = lambda _working: None,
    ) -> "Service":
        """Return the service as systemd describes it in the environment of its process."""
        watched = environ.get("WATCHDOG_PID", "") in {"", str(os.getpid() if pid is None else pid)}
        limit_us = environ.get("WATCHDOG_USEC", "")
        watchdog_s = int(limit_us) / _MICROSECONDS if watched and limit_us.isdecimal() and int(limit_us) else None
        return cls(environ.get("NOTIFY_SOCKET") or None, watchdog_s, on_working)

    def report_alive(self, mono_s: float) -> None:
        """Report that the loop runs; the first time also that the service has started.

        Args:
            mono_s: seconds of the monotonic clock; pings are sent only as often as the watchdog needs them.
        """
        if not self._ready:
            self._ready = True
            self._pinged_s = mono_s
            self._send("READY=1", "WATCHDOG=1")
        elif self._ping_every_s is not None and mono_s - self._pinged_s >= self._ping_every_s:
            self._pinged_s = mono_s
            self._send("WATCHDOG=1")

    def report_working(self, *, working: bool) -> None:
        """Report whether frames come and the broker is connected; do nothing if that has not changed."""
        if working is not self._working:
            self._working = working
            self._on_working(working)

    def report_status(self, status: str) -> None:
        """Set the line that `systemctl status` shows; do nothing if it has not changed."""
        if status != self._status:
            self._status = status
            self._send(f"STATUS={status}")

    def report_stopping(self) -> None:
        """Report that the process is about to end."""
        self._send("STOPPING=1")

    def _send(self, *lines: str) -> None:
        """Send lines as one datagram; ignore a socket that is gone."""
        if self._notify_socket is None:
            return
        address = f"\0{self._notify_socket[1:]}" if self._notify_socket.startswith("@") else self._notify_socket
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender,
        ):
            sender.sendto("\n".join(lines).encode(), address)
