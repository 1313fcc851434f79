"""What systemd is told, heard on a socket as it listens on one."""

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from node.system.systemd import Service


class Ear:
    """A socket that keeps what it hears."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.setblocking(False)

    def heard(self) -> list[str]:
        """Return the datagrams since the last time."""
        found = []
        while True:
            try:
                found.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return found

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


@pytest.fixture
def address(tmp_path: Path) -> str:
    """Return where the ear listens."""
    return str(tmp_path / "notify")


@pytest.fixture
def ear(address: str) -> Iterator[Ear]:
    """Return who listens."""
    with closing(Ear(address)) as listener:
        yield listener


def test_it_counts_as_started_with_the_first_turn_of_the_loop(ear: Ear, address: str) -> None:
    """READY comes once, from the loop itself: not before anything works, and not again."""
    service = Service(address)
    assert ear.heard() == []
    service.alive(1.0)
    service.alive(1000.0)
    assert ear.heard() == ["READY=1\nWATCHDOG=1"]


def test_the_watchdog_is_fed_four_times_as_often_as_it_bites(ear: Ear, address: str) -> None:
    """A loop that turns ten times a second gives a sign each quarter of the watchdog's time, and none more."""
    service = Service(address, watch_s=20.0)
    for turn in range(201):
        service.alive(turn / 10)
    assert ear.heard() == ["READY=1\nWATCHDOG=1", *["WATCHDOG=1"] * 4]


def test_the_same_line_is_told_once(ear: Ear, address: str) -> None:
    """`systemctl status` is given what has changed."""
    service = Service(address)
    for line in ("camera ok", "camera ok", "camera lost"):
        service.describe(line)
    service.stopping()
    assert ear.heard() == ["STATUS=camera ok", "STATUS=camera lost", "STOPPING=1"]


@pytest.mark.parametrize("pid", ["", "42"])
def test_the_environment_says_who_listens_and_how_patiently(ear: Ear, address: str, pid: str) -> None:
    """sd_watchdog_enabled(3): microseconds, for the process that is named or for whoever reads it."""
    environ = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "8000000", "WATCHDOG_PID": pid}
    service = Service.of(environ, pid=42)
    service.alive(0.0)
    service.alive(1.9)
    service.alive(2.0)
    assert ear.heard() == ["READY=1\nWATCHDOG=1", "WATCHDOG=1"]


@pytest.mark.parametrize("watch", [{}, {"WATCHDOG_USEC": "8000000", "WATCHDOG_PID": "43"}, {"WATCHDOG_USEC": "soon"}])
def test_a_watchdog_of_another_process_is_not_fed(ear: Ear, address: str, watch: dict[str, str]) -> None:
    """Without a watchdog of its own a service says that it has started, and nothing more."""
    service = Service.of({"NOTIFY_SOCKET": address, **watch}, pid=42)
    service.alive(0.0)
    service.alive(100.0)
    assert ear.heard() == ["READY=1\nWATCHDOG=1"]


def test_an_abstract_socket_is_meant_by_an_at_sign() -> None:
    """An abstract name is written `@name`; its first byte is zero."""
    with closing(Ear(f"\0facenode-test-{os.getpid()}")) as listener:
        Service(f"@facenode-test-{os.getpid()}").stopping()
        assert listener.heard() == ["STOPPING=1"]


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": "/nonexistent/socket"}])
def test_where_nobody_listens_nothing_happens(environ: dict[str, str]) -> None:
    """On a terminal, or when systemd is gone, the node works as ever."""
    service = Service.of(environ)
    service.alive(0.0)
    service.describe("well")
    service.stopping()


def test_a_mark_is_told_when_it_changes() -> None:
    """Whoever has no systemd is told whether the work is being done, and the same thing only once."""
    told: list[bool] = []
    service = Service(mark=told.append)
    for able in (False, True, True, False):
        service.able(able=able)
    assert told == [False, True, False]
