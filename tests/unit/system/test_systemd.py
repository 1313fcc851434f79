"""Notify systemd, which a socket of the test stands in for."""

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from node.system.systemd import Service


class NotifySocket:
    """A socket that keeps the datagrams it receives, as systemd's does."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.setblocking(False)

    def received(self) -> list[str]:
        """Return the datagrams since the last call."""
        found = []
        while True:
            try:
                found.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return found

    def close(self) -> None:
        """Stop receiving."""
        self._socket.close()


@pytest.fixture
def address(tmp_path: Path) -> str:
    """Return the address of the socket."""
    return str(tmp_path / "notify")


@pytest.fixture
def notify_socket(address: str) -> Iterator[NotifySocket]:
    """Return a socket that receives notifications."""
    with closing(NotifySocket(address)) as receiver:
        yield receiver


def test_the_service_is_ready_with_the_first_turn_of_the_loop(notify_socket: NotifySocket, address: str) -> None:
    """READY comes once, from the loop itself: not before anything works, and not again."""
    service = Service(address)
    assert notify_socket.received() == []
    service.report_alive(1.0)
    service.report_alive(1000.0)
    assert notify_socket.received() == ["READY=1\nWATCHDOG=1"]


def test_the_watchdog_is_pinged_four_times_within_its_limit(notify_socket: NotifySocket, address: str) -> None:
    """A loop that turns ten times a second pings every quarter of the watchdog's limit, and no more often."""
    service = Service(address, watchdog_s=20.0)
    for turn in range(201):
        service.report_alive(turn / 10)
    assert notify_socket.received() == ["READY=1\nWATCHDOG=1", *["WATCHDOG=1"] * 4]


def test_the_same_status_is_sent_once(notify_socket: NotifySocket, address: str) -> None:
    """`systemctl status` is given what has changed."""
    service = Service(address)
    for line in ("camera ok", "camera ok", "camera lost"):
        service.report_status(line)
    service.report_stopping()
    assert notify_socket.received() == ["STATUS=camera ok", "STATUS=camera lost", "STOPPING=1"]


@pytest.mark.parametrize("pid", ["", "42"])
def test_the_environment_gives_the_socket_and_the_limit(notify_socket: NotifySocket, address: str, pid: str) -> None:
    """sd_watchdog_enabled(3): microseconds, for the process that is named, or for any if none is."""
    environ = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "8000000", "WATCHDOG_PID": pid}
    service = Service.from_environment(environ, pid=42)
    service.report_alive(0.0)
    service.report_alive(1.9)
    service.report_alive(2.0)
    assert notify_socket.received() == ["READY=1\nWATCHDOG=1", "WATCHDOG=1"]


@pytest.mark.parametrize("watch", [{}, {"WATCHDOG_USEC": "8000000", "WATCHDOG_PID": "43"}, {"WATCHDOG_USEC": "soon"}])
def test_the_watchdog_of_another_process_is_not_pinged(
    notify_socket: NotifySocket, address: str, watch: dict[str, str]
) -> None:
    """Without a watchdog of its own a service reports that it has started, and nothing more."""
    service = Service.from_environment({"NOTIFY_SOCKET": address, **watch}, pid=42)
    service.report_alive(0.0)
    service.report_alive(100.0)
    assert notify_socket.received() == ["READY=1\nWATCHDOG=1"]


def test_an_at_sign_means_an_abstract_socket() -> None:
    """An abstract name is written `@name`; its first byte is zero."""
    with closing(NotifySocket(f"\0facenode-test-{os.getpid()}")) as receiver:
        Service(f"@facenode-test-{os.getpid()}").report_stopping()
        assert receiver.received() == ["STOPPING=1"]


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": "/nonexistent/socket"}])
def test_a_missing_socket_is_ignored(environ: dict[str, str]) -> None:
    """On a terminal, or when systemd is gone, the node works as ever."""
    service = Service.from_environment(environ)
    service.report_alive(0.0)
    service.report_status("well")
    service.report_stopping()


def test_the_callback_is_called_when_working_changes() -> None:
    """Where there is no systemd, a ready file follows: it is not written again and again."""
    reported: list[bool] = []
    service = Service(on_working=reported.append)
    for working in (False, True, True, False):
        service.report_working(working=working)
    assert reported == [False, True, False]
