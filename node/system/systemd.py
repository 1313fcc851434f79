"""What the loop does -> the words that systemd waits for, told through the socket that NOTIFY_SOCKET names.

Whoever has no such socket, such as a container, may have a mark instead that says whether the work is being done.

A service of type `notify` counts as started once it says so, and with WatchdogSec it is ended and started anew when it
keeps silent for longer: sd_notify(3), systemd.service(5). Without a socket, as on a terminal, nothing is told.
"""

import contextlib
import os
import socket
from collections.abc import Callable, Mapping

_MICROSECONDS = 1e6
_SIGNS_IN_A_WATCH = 4
"""Signs of life in the time that the watchdog waits: one that comes late ends nothing."""


class Service:
    """The ear of whoever watches over the process.

    Args:
        address: of the socket; `@` stands for the zero byte of an abstract one. None: nobody listens.
        watch_s: seconds of silence that the watchdog bears; None: there is no watchdog.
        mark: is told whether the work is being done, whenever that changes; nobody unless given.
    """

    def __init__(
        self,
        address: str | None = None,
        watch_s: float | None = None,
        mark: Callable[[bool], None] = lambda _able: None,
    ) -> None:
        self._address = address
        self._every_s = None if watch_s is None else watch_s / _SIGNS_IN_A_WATCH
        self._said_s = float("-inf")
        self._status = ""
        self._ready = False
        self._mark = mark
        self._able: bool | None = None

    @classmethod
    def of(
        cls,
        environ: Mapping[str, str] = os.environ,
        pid: int | None = None,
        mark: Callable[[bool], None] = lambda _able: None,
    ) -> "Service":
        """Return the one that systemd describes in the environment of the process that it watches."""
        watched = environ.get("WATCHDOG_PID", "") in {"", str(os.getpid() if pid is None else pid)}
        waits_us = environ.get("WATCHDOG_USEC", "")
        watch_s = int(waits_us) / _MICROSECONDS if watched and waits_us.isdecimal() and int(waits_us) else None
        return cls(environ.get("NOTIFY_SOCKET") or None, watch_s, mark)

    def alive(self, mono_s: float) -> None:
        """Say that the loop goes round; the first time, that the service has started.

        Args:
            mono_s: seconds of the monotonic clock, by which a sign is given only as often as it is needed.
        """
        if not self._ready:
            self._ready = True
            self._said_s = mono_s
            self._send("READY=1", "WATCHDOG=1")
        elif self._every_s is not None and mono_s - self._said_s >= self._every_s:
            self._said_s = mono_s
            self._send("WATCHDOG=1")

    def able(self, *, able: bool) -> None:
        """Say whether frames come and the broker hears of them; the same again is not said."""
        if able is not self._able:
            self._able = able
            self._mark(able)

    def describe(self, status: str) -> None:
        """Give `systemctl status` a line; the same one again is not sent."""
        if status != self._status:
            self._status = status
            self._send(f"STATUS={status}")

    def stopping(self) -> None:
        """Say that the process takes leave."""
        self._send("STOPPING=1")

    def _send(self, *lines: str) -> None:
        """Send what is told as one datagram; an ear that is gone ends nothing here."""
        if self._address is None:
            return
        name = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as ear,
        ):
            ear.sendto("\n".join(lines).encode(), name)
