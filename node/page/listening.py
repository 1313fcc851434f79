"""The address of the page: the socket that systemd hands over, else one of its own."""

import errno
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from node.errors import ServeError

_FIRST = 3
"""The first descriptor that systemd hands over: sd_listen_fds(3)."""
_BACKLOG = 64
_NO_ADDRESS = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
"""What a system without IPv6 answers."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Where the page listens.

    Attributes:
        sockets: that listen.
        activated: whether systemd opened them, and opens the page again at the next request.
    """

    sockets: tuple[socket.socket, ...]
    activated: bool


def listen(door: str, port: int, environ: Mapping[str, str] = os.environ, pid: int | None = None) -> Listener:
    """Return where the page listens: at the loopback addresses for that door, else at every address.

    Raises:
        ServeError: another program listens there, or this one may not.
    """
    handed = _handed_over(environ, os.getpid() if pid is None else pid)
    if handed:
        return Listener(handed, activated=True)
    hosts = ("127.0.0.1", "::1") if door == "loopback" else ("",)
    sockets: list[socket.socket] = []
    try:
        for host in hosts:
            opened = _open(host, port)
            if opened is not None:
                sockets.append(opened)
    except OSError as error:
        for opened in sockets:
            opened.close()
        raise ServeError(
            f"page: cannot listen at port {port} ({error.strerror}): stop what listens there, or set page.port"
        ) from error
    return Listener(tuple(sockets), activated=False)


def _handed_over(environ: Mapping[str, str], pid: int) -> tuple[socket.socket, ...]:
    count = environ.get("LISTEN_FDS", "")
    if environ.get("LISTEN_PID") != str(pid) or not count.isdecimal():
        return ()
    return tuple(socket.socket(fileno=descriptor) for descriptor in range(_FIRST, _FIRST + int(count)))


def _open(host: str, port: int) -> socket.socket | None:
    """Return a socket that listens; None where there is no IPv6.

    Raises:
        OSError: it cannot listen.
    """
    family = socket.AF_INET if host == "127.0.0.1" or not socket.has_ipv6 else socket.AF_INET6
    try:
        opened = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        if host == "::1":
            return None
        family, opened = socket.AF_INET, socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1 if host == "::1" else 0)
        opened.bind((host, port))
        opened.listen(_BACKLOG)
    except OSError as error:
        opened.close()
        if host == "::1" and error.errno in _NO_ADDRESS:
            return None
        raise
    return opened
