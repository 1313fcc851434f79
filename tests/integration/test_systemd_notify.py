"""A running node notifies systemd."""

import signal
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from mosquitto_broker import Mosquitto, eventually
from node_messages import settings_for
from running_node import TIMEOUT_S, running_facenode

pytestmark = pytest.mark.broker


def test_the_node_sends_ready_watchdog_status_and_stopping(
    mosquitto: Callable[..., Mosquitto], portrait_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """READY comes after the first loop, WATCHDOG as often as asked for, then STOPPING."""
    broker = mosquitto()  # started before the variable is set: mosquitto would notify the socket too
    lines: list[str] = []
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as notify_socket:
        notify_socket.bind(str(tmp_path / "notify"))
        notify_socket.settimeout(TIMEOUT_S)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "400000")
        settings = settings_for(broker, portrait_folder, tmp_path / "s") | {
            "camera.source": f"images:{portrait_folder}",
            "camera.fps": 5,
        }
        with running_facenode(settings) as process:

            def received(line: str) -> bool:
                lines.extend(notify_socket.recv(4096).decode().splitlines())
                return line in lines

            assert eventually(lambda: received("READY=1"), TIMEOUT_S)
            assert eventually(lambda: lines.count("WATCHDOG=1") > 5 or received("never"), TIMEOUT_S)
            process.send_signal(signal.SIGTERM)
            assert eventually(lambda: received("STOPPING=1"), TIMEOUT_S)
            assert process.wait(TIMEOUT_S) == 0
    assert lines.count("READY=1") == 1
    assert any(line.startswith("STATUS=camera ok") for line in lines)
