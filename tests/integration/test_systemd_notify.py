"""A running node tells whoever watches over it, as systemd would."""

import signal
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from mosquitto_broker import Mosquitto, eventually
from node_messages import settings_for
from running_node import PATIENCE_S, running

pytestmark = pytest.mark.broker


def test_the_node_says_that_it_has_started_lives_and_stops(
    mosquitto: Callable[..., Mosquitto], album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """READY once the loop turns, signs of life as often as the watchdog wants them, a line of status, STOPPING."""
    broker = mosquitto()  # before the socket is named: mosquitto would speak to it, too
    heard: list[str] = []
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.settimeout(PATIENCE_S)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "400000")
        settings = settings_for(broker, album, tmp_path / "s") | {"camera.source": f"images:{album}", "camera.fps": 5}
        with running(settings) as process:

            def hears(line: str) -> bool:
                heard.extend(ear.recv(4096).decode().splitlines())
                return line in heard

            assert eventually(lambda: hears("READY=1"), PATIENCE_S)
            assert eventually(lambda: heard.count("WATCHDOG=1") > 5 or hears("never"), PATIENCE_S)
            process.send_signal(signal.SIGTERM)
            assert eventually(lambda: hears("STOPPING=1"), PATIENCE_S)
            assert process.wait(PATIENCE_S) == 0
    assert heard.count("READY=1") == 1
    assert any(line.startswith("STATUS=camera ok") for line in heard)
