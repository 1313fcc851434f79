"""A network camera that is off, comes, goes and comes, in front of a node."""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from mjpeg_camera import MjpegCamera
from mosquitto_broker import Mosquitto, Subscriber, eventually, free_port
from node_messages import settings_for
from running_node import TIMEOUT_S, NodeClient, running_facenode

pytestmark = pytest.mark.broker

_STALL_S = 2.0
_LONG_S = 12.0
"""Longer than any process lives in the test of restarts, and shorter than all of them together."""
_RULES = f"""
[[alerts.rules]]
id = "away"
when = "camera_lost"
cool_down_s = 0

[[alerts.rules]]
id = "long-away"
when = "camera_lost"
for_s = {_LONG_S}
"""


@dataclass(frozen=True)
class Door:
    """A node whose camera need not be there, and a subscriber.

    Attributes:
        process: the node's process.
        subscriber: receives its messages.
        ready: the file that exists while it is ready.
        camera_port: where its camera listens, if it is on.
        picture: what the camera shows.
    """

    process: subprocess.Popen[str]
    subscriber: Subscriber
    ready: Path
    camera_port: int
    picture: bytes

    @property
    def client(self) -> NodeClient:
        """A client of the node."""
        return NodeClient(self.subscriber)

    def cameras(self) -> list[str]:
        """Return the state of the camera in each health message."""
        return [json.loads(payload)["camera"] for payload in self.subscriber.on("facenode/hall/health")]

    def starts(self) -> int:
        """Return how often a node has started."""
        return self.subscriber.on("facenode/hall/status").count(b"online")

    def alerts(self, rule: str = "away") -> list[str]:
        """Return the states of all alerts of a rule."""
        return [json.loads(payload)["state"] for payload in self.subscriber.on(f"facenode/hall/alert/{rule}")]

    def camera(self) -> MjpegCamera:
        """Return the camera; it is on for as long as its context lasts."""
        return MjpegCamera(self.picture, port=self.camera_port)


@contextmanager
def _door(subscriber: Subscriber, broker: Mosquitto, folder: Path, picture: bytes, port: int) -> Iterator[Door]:
    settings = settings_for(broker, folder, folder / "s") | {
        "camera.source": f"video:http://127.0.0.1:{port}/camera.mjpeg",
        "camera.stall_s": _STALL_S,
        "camera.restart_after": 1,
        "health.every_s": 5,
    }
    rules, ready = folder / "facenode.toml", folder / "ready"
    rules.write_text(_RULES)
    with running_facenode(settings, "--config", rules, "--ready", ready) as process:
        yield Door(process, subscriber, ready, port, picture)


@pytest.fixture
def door(mosquitto: Callable[..., Mosquitto], media_dir: Path, tmp_path: Path) -> Iterator[Door]:
    """Return a node whose camera is off."""
    broker, picture = mosquitto(), (media_dir / "astronaut.jpg").read_bytes()
    with (
        closing(Subscriber(broker.settings(), "facenode/#")) as subscriber,
        _door(subscriber, broker, tmp_path, picture, free_port()) as door,
    ):
        yield door


def test_an_outage_is_one_alert_and_one_cleared(door: Door) -> None:
    """Until a frame comes, nothing calls the camera well; then each outage is told once, by the same process."""
    assert eventually(lambda: door.alerts() == ["raised"], TIMEOUT_S)
    assert eventually(lambda: len(door.cameras()) >= 3, TIMEOUT_S)
    assert set(door.cameras()) == {"lost"}
    assert not door.ready.exists()
    assert door.client.request("check")["data"]["camera"] == "lost"
    for outages in (1, 2):
        with door.camera():
            assert eventually(lambda count=outages: door.alerts() == ["raised", "cleared"] * count, 2 * TIMEOUT_S)  # type: ignore[misc]
            assert eventually(lambda: door.cameras()[-1] == "ok", TIMEOUT_S)
            assert eventually(door.ready.exists, TIMEOUT_S)
        assert eventually(lambda count=outages: door.alerts() == [*["raised", "cleared"] * count, "raised"], TIMEOUT_S)  # type: ignore[misc]
        assert eventually(lambda: door.cameras()[-1] == "lost", TIMEOUT_S)
        assert eventually(lambda: not door.ready.exists(), TIMEOUT_S)
    assert door.subscriber.on("facenode/hall/status") == [b"online"]
    assert door.process.poll() is None


def test_privacy_mode_neither_ends_an_outage_nor_hides_its_end(door: Door) -> None:
    """`health.camera` is `private` then; the alert waits for frames."""
    assert eventually(lambda: door.alerts() == ["raised"], TIMEOUT_S)
    door.client.request("privacy", state="on")
    assert eventually(lambda: door.cameras()[-1] == "private", TIMEOUT_S)
    door.client.request("privacy", state="off")
    assert eventually(lambda: door.cameras()[-1] == "lost", TIMEOUT_S)
    door.client.request("privacy", state="on")
    assert door.alerts() == ["raised"]
    with door.camera():
        assert eventually(lambda: door.alerts() == ["raised", "cleared"], 2 * TIMEOUT_S)
        assert door.cameras()[-1] == "private"


def test_a_camera_that_comes_at_once_raises_nothing(door: Door) -> None:
    """A start takes a moment: the camera is lost until then, which is no outage."""
    with door.camera():
        assert eventually(lambda: "ok" in door.cameras(), TIMEOUT_S)
        assert eventually(lambda: len(door.cameras()) > 2, TIMEOUT_S)
    assert door.alerts() == []
    assert door.cameras()[-1] == "ok"


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=["TERM", "KILL"])
def test_an_outage_goes_on_over_a_restart(
    end: signal.Signals, mosquitto: Callable[..., Mosquitto], media_dir: Path, tmp_path: Path
) -> None:
    """However often the process restarts, and whatever ended it, no second alert, and no `cleared` before a frame."""
    broker, picture, port = mosquitto(), (media_dir / "astronaut.jpg").read_bytes(), free_port()
    with closing(Subscriber(broker.settings(), "facenode/#")) as subscriber:
        for number in range(3):
            with _door(subscriber, broker, tmp_path, picture, port) as door:
                assert eventually(lambda door=door: door.alerts() == ["raised"], TIMEOUT_S)  # type: ignore[misc]
                assert eventually(lambda door=door, n=number: door.starts() > n, TIMEOUT_S)  # type: ignore[misc]
                assert not eventually(lambda door=door: len(door.alerts()) > 1, 3 * _STALL_S)  # type: ignore[misc]
                door.process.send_signal(end)
                door.process.wait(TIMEOUT_S)
                assert set(door.cameras()) == {"lost"}
        with _door(subscriber, broker, tmp_path, picture, port) as door, door.camera():
            assert eventually(lambda: "ok" in door.cameras(), TIMEOUT_S)
            assert eventually(lambda: door.alerts() == ["raised", "cleared"], TIMEOUT_S)
            assert eventually(lambda: door.alerts("long-away") == ["raised", "cleared"], TIMEOUT_S)
