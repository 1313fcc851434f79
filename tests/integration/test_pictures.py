"""Pictures over a real broker: with the event or when asked, never kept; and a camera that nobody may look at."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from house import PATIENCE_S, House, contents
from realbroker import Mosquitto, Subscriber, eventually
from told import node_settings, validate
from watchedcamera import WatchedCamera, WatchedFrame

from node.assembly import build_node, build_vision
from node.camera.image_file import read_image
from node.domain import Frame
from node.settings import Settings

pytestmark = pytest.mark.broker
Run = Callable[..., AbstractContextManager["Scene"]]


class Scene:
    """A node in this process, its camera, and whoever asks it."""

    def __init__(self, settings: Settings, camera: WatchedCamera, subscriber: Subscriber) -> None:
        self.settings, self.camera, self.subscriber = settings, camera, subscriber
        self.house = House(subscriber)

    def pictures(self) -> dict[str, bytes]:
        """Return the pictures so far, by the id in their topic."""
        start = "facenode/hall/snapshot/"
        return {m.topic.removeprefix(start): m.payload for m in self.subscriber.messages if m.topic.startswith(start)}

    def pass_ticks(self, count: int) -> None:
        """Wait until so many more ticks have passed."""
        until = self.camera.ticks + count
        assert eventually(lambda: self.camera.ticks >= until, PATIENCE_S)


@pytest.fixture
def scene(mosquitto: Callable[..., Mosquitto], media_dir: Path, tmp_path: Path) -> Run:
    """Return what runs a node, with these settings, before a camera that shows a portrait."""
    broker = mosquitto()
    image = read_image(media_dir / "astronaut.jpg")

    @contextmanager
    def run(**given: object) -> Iterator[Scene]:
        settings = node_settings(
            {
                "node.id": "hall",
                "mqtt.host": broker.host,
                "mqtt.port": broker.port,
                "storage.dir": tmp_path / "s",
                "events.cool_down_s": 0,
                **{key.replace("__", "."): value for key, value in given.items()},
            }
        )
        camera = WatchedCamera(image)
        node = build_node(settings, camera)
        thread = threading.Thread(target=node.run)
        with closing(Subscriber(broker.settings(), "facenode/hall/#")) as subscriber:
            thread.start()
            try:
                assert eventually(lambda: subscriber.on("facenode/hall/status")[-1:] == [b"online"], PATIENCE_S)
                yield Scene(settings, camera, subscriber)
            finally:
                node.stop()
                thread.join(PATIENCE_S)
            validate([message for message in subscriber.messages if "/request/" not in message.topic])

    return run


def test_a_picture_comes_before_its_event_and_shows_the_face(scene: Run) -> None:
    """Whoever is told by the event finds the picture; it is in no file and not retained."""
    with scene(publish__snapshots="face") as hall:
        assert eventually(lambda: hall.house.kinds() == ["unknown"], PATIENCE_S)
        event_id = hall.house.events()[0]["id"]
        topics = [message.topic for message in hall.subscriber.messages]
        assert topics.index(f"facenode/hall/snapshot/{event_id}") < topics.index("facenode/hall/event/unknown")
        picture = cv2.imdecode(np.frombuffer(hall.pictures()[event_id], np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        eyes = build_vision(hall.settings, ())
        assert len(eyes.detector.detect(Frame(np.ascontiguousarray(picture[:, :, ::-1], np.uint8)))) == 1
        files = contents(hall.settings.storage.dir)
        assert files
        assert not [path for path, content in files.items() if b"\xff\xd8\xff" in content]


def test_no_picture_leaves_a_node_whose_owner_did_not_say_so(scene: Run) -> None:
    """Off is the default, with the event and by a request."""
    with scene() as hall:
        assert eventually(lambda: hall.house.kinds() == ["unknown"], PATIENCE_S)
        assert "publish.snapshots" in hall.house.ask("snapshot")["error"]
        assert hall.pictures() == {}


def test_a_picture_is_sent_when_asked_for(scene: Run) -> None:
    """Of now, or that of an event once more; the frame is whole, and nobody who comes later is sent any."""
    with scene(publish__snapshots="frame") as hall:
        assert eventually(lambda: hall.house.kinds() == ["unknown"], PATIENCE_S)
        answer = hall.house.ask("snapshot")
        assert answer["status"] == "ok"
        picture = hall.pictures()[answer["data"]["id"]]
        assert len(picture) == answer["data"]["bytes"] <= 128 * 1024
        shown = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
        assert shown is not None
        assert shown.shape == (512, 512, 3)
        event_id = hall.house.events()[0]["id"]
        first, count = hall.pictures()[event_id], len(hall.subscriber.messages)
        assert hall.house.ask("snapshot", event=event_id)["data"]["id"] == event_id
        again = [m for m in hall.subscriber.messages[count:] if "/snapshot/" in m.topic]
        assert [message.payload for message in again] == [first]
        with closing(Subscriber(hall.settings.mqtt, "facenode/hall/#", client_id="late")) as late:
            assert eventually(lambda: bool(late.on("facenode/hall/state")))
            assert not [message for message in late.messages if "/snapshot/" in message.topic]


def test_a_lost_camera_gives_no_picture(scene: Run) -> None:
    """Neither an old one nor none in its place: the answer says why."""
    with scene(publish__snapshots="frame") as hall:
        assert eventually(lambda: hall.house.kinds() == ["unknown"], PATIENCE_S)
        hall.camera.lost = True
        assert eventually(lambda: hall.house.latest("health")["camera"] == "lost", PATIENCE_S)
        count = len(hall.pictures())
        assert hall.house.ask("snapshot")["error"] == "the camera is lost"
        assert hall.house.ask("snapshot", event=hall.house.events()[0]["id"])["error"] == "the camera is lost"
        assert len(hall.pictures()) == count
        hall.camera.lost = False
        assert eventually(lambda: hall.house.latest("health")["camera"] == "ok", PATIENCE_S)
        assert hall.house.ask("snapshot")["status"] == "ok"


def test_in_privacy_mode_no_frame_is_looked_at_and_everybody_is_told(
    scene: Run, caplog: pytest.LogCaptureFixture
) -> None:
    """Not a pixel, whatever is asked; health, state and the log say so, also after a new start."""
    caplog.set_level("INFO")
    with scene(publish__snapshots="frame") as hall:
        assert eventually(lambda: hall.house.kinds() == ["unknown"], PATIENCE_S)
        assert hall.house.ask("privacy", state="on")["status"] == "ok"
        assert eventually(lambda: hall.house.latest("health")["camera"] == "private", PATIENCE_S)
        assert hall.house.latest("state")["privacy"] == "on"
        assert [line for line in caplog.messages if line.startswith("requests: privacy on (transaction ")]
        looks, pictures = WatchedFrame.looks, len(hall.pictures())
        assert looks > 0
        event_id = hall.house.events()[0]["id"]
        assert hall.house.ask("snapshot")["error"] == "privacy mode is on"
        assert hall.house.ask("snapshot", event=event_id)["error"] == "privacy mode is on"
        assert hall.house.ask("people_enroll", id="ada", for_s=1)["status"] == "error"
        assert hall.house.ask("recognition", state="off")["status"] == "ok"
        assert hall.house.ask("recognition", state="on")["status"] == "ok"
        hall.pass_ticks(20)
        assert WatchedFrame.looks == looks
        assert len(hall.pictures()) == pictures
        assert eventually(lambda: hall.house.kinds() == ["unknown", "left"], PATIENCE_S)
    caplog.clear()
    with scene(publish__snapshots="frame") as hall:
        assert eventually(lambda: hall.house.latest("health").get("camera") == "private", PATIENCE_S)
        assert "privacy is on: no frame is looked at until it is switched off" in caplog.messages
        hall.pass_ticks(5)
        assert WatchedFrame.looks == looks
        assert hall.house.ask("privacy", state="off")["status"] == "ok"
        assert eventually(lambda: hall.house.kinds() == ["unknown"], PATIENCE_S)
        assert WatchedFrame.looks > looks
        assert "there is no picture" in hall.house.ask("snapshot", event=event_id)["error"]
