"""A real mosquitto broker on a free loopback port, and a subscriber to it."""

import contextlib
import secrets
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from node.contract.message import Message
from node.mqtt.connect import connect
from node.mqtt.link import Acknowledged, Client, Link, Received, Report, Subscribed
from node.settings import MqttSettings

_START_S = 10.0
_LASTING = 4000
"""Ports from which those of servers that restart are taken."""
_MAX_BYTES = 16 << 20
"""The largest message that a subscriber of these tests receives: pictures and discoveries, too."""


def free_port() -> int:
    """Return a free TCP port on loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def lasting_ports() -> Iterator[int]:
    """Yield TCP ports that stay free while their server restarts: below those that the kernel gives to connections."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    for port in range(lowest - secrets.randbelow(_LASTING // 2) - 1, lowest - _LASTING, -1):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                yield port


def listens(host: str, port: int) -> bool:
    """Return whether a TCP connection to the port is accepted."""
    try:
        with socket.create_connection((host, port), timeout=0.5):
            return True
    except OSError:
        return False


def eventually(condition: Callable[[], bool], timeout_s: float = 10.0) -> bool:
    """Poll until a condition holds or the time is over; return whether it held."""
    pause = threading.Event()
    until_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > until_s:
            return False
        pause.wait(0.01)
    return True


class Mosquitto:
    """A mosquitto process with its own configuration.

    Attributes:
        host: its address.
        port: its port.
        folder: the folder of its configuration, log and persistent data.
    """

    def __init__(self, folder: Path, lines: Sequence[str] = ("allow_anonymous true",), host: str = "127.0.0.1") -> None:
        self.host, self.port, self.folder = host, free_port(), folder
        folder.mkdir(parents=True, exist_ok=True)
        self._config = folder / "mosquitto.conf"
        user = ("user root",) if Path("/").owner() == "root" and folder.owner() == "root" else ()
        self._config.write_text("\n".join((f"listener {self.port} {host}", *user, *lines, "")))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Mosquitto":
        """Start the broker and wait until it listens."""
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen([program, "-v", "-c", str(self._config)], stdout=log, stderr=log)
        if not eventually(lambda: listens(self.host, self.port), _START_S):
            self.end()
            pytest.fail(f"mosquitto does not listen:\n{self.log()}")
        return self

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None
        return self._process.pid

    def end(self) -> None:
        """Stop the broker with SIGTERM."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def kill(self) -> None:
        """Kill the broker with SIGKILL, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def log(self) -> str:
        """Return the broker's log."""
        return (self.folder / "mosquitto.log").read_text(errors="replace")

    def settings(self, **more: object) -> MqttSettings:
        """Return the settings for a connection to this broker."""
        return MqttSettings.model_validate({"host": self.host, "port": self.port, **more})


class Subscriber:
    """A subscriber that keeps every message it receives.

    Attributes:
        messages: all messages received, in order.
        acknowledged: how many of its own messages the broker has acknowledged.
    """

    def __init__(
        self, settings: MqttSettings, *filters: str, client_id: str = "test-subscriber", keep_s: int = 0
    ) -> None:
        self.messages: list[Received] = []
        self.acknowledged = 0
        self._granted = 0
        self._link: Link = connect(settings, Client(client_id, keep_s=keep_s, max_packet_bytes=_MAX_BYTES), self._take)
        for each in filters or ("#",):
            self._link.subscribe(each)
        assert eventually(lambda: self._granted == max(1, len(filters)))

    def _take(self, report: Report) -> None:
        if isinstance(report, Received):
            self.messages.append(report)
        if isinstance(report, Subscribed):
            self._granted += 1
        if isinstance(report, Acknowledged):
            self.acknowledged += 1

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Publish a message."""
        self._link.publish(Message(topic, payload, qos, retain))

    def on(self, topic: str) -> list[bytes]:
        """Return the payloads received on a topic."""
        return [message.payload for message in list(self.messages) if message.topic == topic]

    def close(self) -> None:
        """Disconnect."""
        self._link.close()
