"""Snapshots over a real broker: with the event or on request, never stored, and none in privacy mode."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from counting_camera import CountingCamera, CountingFrame
from mosquitto_broker import Mosquitto, Subscriber, eventually
from node_messages import assert_valid, load_settings
from running_node import TIMEOUT_S, NodeClient, file_contents

from node.assembly import build_node, build_vision
from node.camera.image_file import read_image
from node.domain import Frame
from node.settings import Settings

pytestmark = pytest.mark.broker
Run = Callable[..., AbstractContextManager["Scene"]]


class Scene:
    """A node in this process, its camera, and a client."""

    def __init__(self, settings: Settings, camera: CountingCamera, subscriber: Subscriber) -> None:
        self.settings, self.camera, self.subscriber = settings, camera, subscriber
        self.node_client = NodeClient(subscriber)

    def snapshots(self) -> dict[str, bytes]:
        """Return the snapshots so far, by the id in their topic."""
        start = "facenode/hall/snapshot/"
        return {m.topic.removeprefix(start): m.payload for m in self.subscriber.messages if m.topic.startswith(start)}

    def wait_ticks(self, count: int) -> None:
        """Wait for this many more ticks."""
        until = self.camera.ticks + count
        assert eventually(lambda: self.camera.ticks >= until, TIMEOUT_S)


@pytest.fixture
def scene(mosquitto: Callable[..., Mosquitto], media_dir: Path, tmp_path: Path) -> Run:
    """Return a function that runs a node with the given settings on a camera that shows a portrait."""
    broker = mosquitto()
    image = read_image(media_dir / "astronaut.jpg")

    @contextmanager
    def run(**given: object) -> Iterator[Scene]:
        settings = load_settings(
            {
                "node.id": "hall",
                "mqtt.host": broker.host,
                "mqtt.port": broker.port,
                "storage.dir": tmp_path / "s",
                "events.cool_down_s": 0,
                **{key.replace("__", "."): value for key, value in given.items()},
            }
        )
        camera = CountingCamera(image)
        node = build_node(settings, camera)
        thread = threading.Thread(target=node.run)
        with closing(Subscriber(broker.settings(), "facenode/hall/#")) as subscriber:
            thread.start()
            try:
                assert eventually(lambda: subscriber.on("facenode/hall/status")[-1:] == [b"online"], TIMEOUT_S)
                yield Scene(settings, camera, subscriber)
            finally:
                node.stop()
                thread.join(TIMEOUT_S)
            assert_valid([message for message in subscriber.messages if "/request/" not in message.topic])

    return run


def test_a_snapshot_comes_before_its_event_and_shows_the_face(scene: Run) -> None:
    """The snapshot is there when the event arrives; it is neither stored nor retained."""
    with scene(publish__snapshots="face") as hall:
        assert eventually(lambda: hall.node_client.event_types() == ["unknown"], TIMEOUT_S)
        event_id = hall.node_client.events()[0]["id"]
        topics = [message.topic for message in hall.subscriber.messages]
        assert topics.index(f"facenode/hall/snapshot/{event_id}") < topics.index("facenode/hall/event/unknown")
        picture = cv2.imdecode(np.frombuffer(hall.snapshots()[event_id], np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        vision = build_vision(hall.settings, ())
        assert len(vision.detector.detect(Frame(np.ascontiguousarray(picture[:, :, ::-1], np.uint8)))) == 1
        files = file_contents(hall.settings.storage.dir)
        assert files
        assert not [path for path, content in files.items() if b"\xff\xd8\xff" in content]


def test_no_snapshot_is_published_by_default(scene: Run) -> None:
    """Snapshots are off by default, for events and for requests."""
    with scene() as hall:
        assert eventually(lambda: hall.node_client.event_types() == ["unknown"], TIMEOUT_S)
        assert "publish.snapshots" in hall.node_client.request("snapshot")["error"]
        assert hall.snapshots() == {}


def test_a_snapshot_is_published_on_request(scene: Run) -> None:
    """A request gets the current frame or an event's snapshot once more; late subscribers get none."""
    with scene(publish__snapshots="frame") as hall:
        assert eventually(lambda: hall.node_client.event_types() == ["unknown"], TIMEOUT_S)
        answer = hall.node_client.request("snapshot")
        assert answer["status"] == "ok"
        picture = hall.snapshots()[answer["data"]["id"]]
        assert len(picture) == answer["data"]["bytes"] <= 128 * 1024
        shown = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
        assert shown is not None
        assert shown.shape == (512, 512, 3)
        event_id = hall.node_client.events()[0]["id"]
        first, count = hall.snapshots()[event_id], len(hall.subscriber.messages)
        assert hall.node_client.request("snapshot", event=event_id)["data"]["id"] == event_id
        again = [m for m in hall.subscriber.messages[count:] if "/snapshot/" in m.topic]
        assert [message.payload for message in again] == [first]
        with closing(Subscriber(hall.settings.mqtt, "facenode/hall/#", client_id="late")) as late:
            assert eventually(lambda: bool(late.on("facenode/hall/state")))
            assert not [message for message in late.messages if "/snapshot/" in message.topic]


def test_a_lost_camera_gives_no_snapshot(scene: Run) -> None:
    """The response says that the camera is lost, and no old snapshot is sent."""
    with scene(publish__snapshots="frame") as hall:
        assert eventually(lambda: hall.node_client.event_types() == ["unknown"], TIMEOUT_S)
        hall.camera.lost = True
        assert eventually(lambda: hall.node_client.latest("health")["camera"] == "lost", TIMEOUT_S)
        count = len(hall.snapshots())
        assert hall.node_client.request("snapshot")["error"] == "the camera is lost"
        assert (
            hall.node_client.request("snapshot", event=hall.node_client.events()[0]["id"])["error"]
            == "the camera is lost"
        )
        assert len(hall.snapshots()) == count
        hall.camera.lost = False
        assert eventually(lambda: hall.node_client.latest("health")["camera"] == "ok", TIMEOUT_S)
        assert hall.node_client.request("snapshot")["status"] == "ok"


def test_in_privacy_mode_no_pixel_is_read(scene: Run, caplog: pytest.LogCaptureFixture) -> None:
    """No request reads a pixel; health, state and the log show privacy mode, also after a restart."""
    caplog.set_level("INFO")
    with scene(publish__snapshots="frame") as hall:
        assert eventually(lambda: hall.node_client.event_types() == ["unknown"], TIMEOUT_S)
        assert hall.node_client.request("privacy", state="on")["status"] == "ok"
        assert eventually(lambda: hall.node_client.latest("health")["camera"] == "private", TIMEOUT_S)
        assert hall.node_client.latest("state")["privacy"] == "on"
        assert [line for line in caplog.messages if line.startswith("requests: privacy on (transaction ")]
        looks, snapshots = CountingFrame.pixel_reads, len(hall.snapshots())
        assert looks > 0
        event_id = hall.node_client.events()[0]["id"]
        assert hall.node_client.request("snapshot")["error"] == "privacy mode is on"
        assert hall.node_client.request("snapshot", event=event_id)["error"] == "privacy mode is on"
        assert hall.node_client.request("people_enroll", id="ada", for_s=1)["status"] == "error"
        assert hall.node_client.request("recognition", state="off")["status"] == "ok"
        assert hall.node_client.request("recognition", state="on")["status"] == "ok"
        hall.wait_ticks(20)
        assert CountingFrame.pixel_reads == looks
        assert len(hall.snapshots()) == snapshots
        assert eventually(lambda: hall.node_client.event_types() == ["unknown", "left"], TIMEOUT_S)
    caplog.clear()
    with scene(publish__snapshots="frame") as hall:
        assert eventually(lambda: hall.node_client.latest("health").get("camera") == "private", TIMEOUT_S)
        assert "privacy is on: no frame is looked at until it is switched off" in caplog.messages
        hall.wait_ticks(5)
        assert CountingFrame.pixel_reads == looks
        assert hall.node_client.request("privacy", state="off")["status"] == "ok"
        assert eventually(lambda: hall.node_client.event_types() == ["unknown"], TIMEOUT_S)
        assert CountingFrame.pixel_reads > looks
        assert "there is no picture" in hall.node_client.request("snapshot", event=event_id)["error"]
