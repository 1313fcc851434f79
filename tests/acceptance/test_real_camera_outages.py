"""A supervised node on a booted Debian, with a camera that is off, comes, goes and comes."""

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import groupby
from pathlib import Path

import pytest
from mjpeg_camera import MjpegCamera
from mosquitto_broker import Mosquitto, Subscriber, eventually, free_port
from service_host import ServiceHost, service_host

_SECONDS = float(os.environ.get("FACENODE_OUTAGES_S", "200"))
"""How long the four phases take together; a whole test of ten minutes: FACENODE_OUTAGES_S=600."""
_WAIT_S = 60.0
_TOPIC = "facenode/front-door"
_SETTINGS = '\n[[alerts.rules]]\nid = "away"\nwhen = "camera_lost"\ncool_down_s = 30\n'
pytestmark = [
    pytest.mark.timeout(1800 + _SECONDS),
    pytest.mark.skipif(shutil.which("git") is None, reason="a copy of the checkout needs git (apt install git)"),
]


@pytest.fixture
def machine(media_dir: Path) -> Iterator[ServiceHost]:
    """Return one booted Debian 13."""
    with service_host(13, media_dir / "astronaut.jpg") as machine:
        yield machine


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """Return a running broker."""
    broker = Mosquitto(tmp_path / "broker").start()
    yield broker
    broker.end()


class Timeline:
    """Prints what happens, with the seconds since the beginning.

    Args:
        subscriber: receives the messages of the node.
        print_line: prints a line.
    """

    def __init__(self, subscriber: Subscriber, print_line: Callable[[str], None]) -> None:
        self._subscriber, self._print = subscriber, print_line
        self._began_s = time.monotonic()
        self._ended = threading.Event()
        self._shown: dict[str, str] = {}

    def note(self, what: str) -> None:
        """Print what the test does."""
        self._print(f"{time.monotonic() - self._began_s:5.0f} s  {what}")

    @contextmanager
    def running(self) -> Iterator[None]:
        """Print each change that the node publishes, until the context ends."""
        thread = threading.Thread(target=self._follow, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _follow(self) -> None:
        seen = 0
        while not self._ended.wait(0.2):
            messages = self._subscriber.messages
            for message in messages[seen:]:
                self._show(message.topic.removeprefix(f"{_TOPIC}/"), message.payload.decode())
            seen = len(messages)

    def _show(self, topic: str, payload: str) -> None:
        fields = json.loads(payload) if payload.startswith("{") else {}
        what = {"health": fields.get("camera"), "status": payload, "alert/away": fields.get("state")}.get(topic)
        if what is not None and (self._shown.get(topic) != what or topic == "alert/away"):
            self._shown[topic] = what
            self.note(f"    {topic}: {what}")


def test_an_outage_is_one_alert_and_one_cleared_however_often_the_process_restarts(
    machine: ServiceHost, broker: Mosquitto, media_dir: Path, print_line: Callable[[str], None]
) -> None:
    """Nothing calls the camera well before a frame has come, and no process ends only to wait for it."""
    picture, port = (media_dir / "astronaut.jpg").read_bytes(), free_port()
    with closing(Subscriber(broker.settings(), "facenode/#")) as subscriber:
        timeline = Timeline(subscriber, print_line)
        with timeline.running():
            timeline.note("the camera is off")
            machine.install(f"http://127.0.0.1:{port}/camera.mjpeg", broker.port, _SETTINGS)
            assert eventually(lambda: _alerts(subscriber) == ["raised"], _WAIT_S), subscriber.messages
            for phase, interruption in enumerate(("systemctl restart facenode", "systemctl kill -s KILL facenode")):
                time.sleep(_SECONDS / 8)
                timeline.note(interruption)
                machine.hosts.ssh(machine.host, interruption)
                time.sleep(_SECONDS / 8)
                with MjpegCamera(picture, port=port):
                    timeline.note("the camera is on")
                    time.sleep(_SECONDS / 4)
                    assert _alerts(subscriber) == ["raised", "cleared"] * (phase + 1)
                timeline.note("the camera is off")
            assert eventually(lambda: _alerts(subscriber) == ["raised", "cleared"] * 2 + ["raised"], _WAIT_S)
            assert eventually(lambda: _cameras(subscriber) == ["lost", "ok", "lost", "ok", "lost"], _WAIT_S)
        log = machine.hosts.ssh(machine.host, "journalctl -u facenode -o cat | grep -cE 'WARNING|ERROR' || true")
        restarts = machine.hosts.ssh(machine.host, "systemctl show facenode --property=NRestarts --value")
        print_line(f"{log.strip()} warnings and errors in the log, {restarts.strip()} restarts by systemd")
        assert int(restarts) == 1  # the kill


def _alerts(subscriber: Subscriber) -> list[str]:
    return [json.loads(payload)["state"] for payload in subscriber.on(f"{_TOPIC}/alert/away")]


def _cameras(subscriber: Subscriber) -> list[str]:
    """Return what each health message says of the camera, without repetitions."""
    said = (json.loads(payload)["camera"] for payload in subscriber.on(f"{_TOPIC}/health"))
    return [camera for camera, _ in groupby(said)]
