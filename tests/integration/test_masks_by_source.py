"""Two people in view, one of them inside a mask: events and counts of the other alone, the same from every source."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path

import cv2
import numpy as np
import pytest
from facenode_command import CommandResult, facenode
from fake_cameras import LoopedClip
from fake_picamera import Sensor, package
from mjpeg_camera import MjpegCamera
from mosquitto_broker import Mosquitto, Subscriber, eventually
from node_messages import assert_valid, events, load_settings, settings_for
from running_node import TIMEOUT_S, NodeClient, running_facenode
from snapshot_camera import SnapshotCamera

from node.assembly import build_node
from node.camera.camera import Camera
from node.camera.image_file import read_image
from node.camera.picamera.driver import open_picamera
from node.camera.webcam import open_webcam
from node.clock import SystemClock
from node.domain import Image
from node.requests.local_client import call
from node.requests.verb import Verb
from node.settings import Settings

pytestmark = pytest.mark.broker
SIZE = (480, 960)
FRAMES, FPS = 30, 10
LEFT_HALF = "0,0,0.5,1"
Enrolled = tuple[Mosquitto, dict[str, object]]
SOURCES = ("images", "video", "stream", "snapshots", "webcam", "picamera")


@pytest.fixture(scope="module")
def scene(media_dir: Path) -> Image:
    """Return a view of two people: Grace in the left half, a stranger in the right half."""
    view = np.full((*SIZE, 3), 96, np.uint8)
    for name, left in (("grace_hopper", 40), ("astronaut", 520)):
        image = read_image(media_dir / f"{name}.jpg")
        height = round(400 * image.shape[0] / image.shape[1])
        view[: min(height, SIZE[0]), left : left + 400] = cv2.resize(image, (400, height))[: SIZE[0]]
    return view


@pytest.fixture(scope="module")
def clip(scene: Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same view as a clip."""
    path = tmp_path_factory.mktemp("clip") / "two.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), FPS, SIZE[::-1])
    for _ in range(FRAMES):
        writer.write(cv2.cvtColor(scene, cv2.COLOR_RGB2BGR))
    writer.release()
    return path


@contextmanager
def source(kind: str, scene: Image, clip: Path, folder: Path) -> Iterator[tuple[dict[str, object], Camera | None]]:
    """Yield the settings of a source that shows the view, and the camera where a test must stand in for a device."""
    jpeg = cv2.imencode(".jpg", cv2.cvtColor(scene, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    clock = SystemClock()
    match kind:
        case "images":
            for number in range(FRAMES):
                (folder / f"{number:02}.jpg").write_bytes(jpeg)
            yield {"camera.source": f"images:{folder}"}, None
        case "video":
            yield {"camera.source": f"video:{clip}"}, None
        case "stream":
            with MjpegCamera(jpeg) as camera:
                yield {"camera.source": f"video:{camera.url}"}, None
        case "snapshots":
            with SnapshotCamera(jpeg) as served:
                yield {"camera.source": f"video:{served.url}"}, None
        case "webcam":
            camera_settings = Settings().camera
            yield {}, open_webcam("0", camera_settings, clock, lambda: LoopedClip(clip))
        case _:
            given = Settings.model_validate(
                {"camera": {"source": "picamera", "width": SIZE[1], "height": SIZE[0]}}
            ).camera
            pause = threading.Event()

            def show() -> Image | None:
                pause.wait(1 / FPS)
                return scene

            yield {}, open_picamera(0, given, clock, 640, package=package(Sensor(show)))


class Watched:
    """A node on a source, and what it published until it was asked to stop.

    Attributes:
        persons: who its events are about, in order, without the `left` at the end.
        counts: the faces in view that its states named.
    """

    def __init__(self, broker: Mosquitto, given: dict[str, object], camera: Camera | None) -> None:
        node = build_node(load_settings(given), camera)
        with closing(Subscriber(broker.settings(), "facenode/hall/#")) as subscriber:
            thread = threading.Thread(target=node.run)
            thread.start()
            client = NodeClient(subscriber)
            assert eventually(lambda: bool(client.events()), TIMEOUT_S)
            if node.camera.live:
                pause = threading.Event()
                pause.wait(3)
                node.stop()
            thread.join(TIMEOUT_S)
            assert not thread.is_alive()
            assert eventually(lambda: subscriber.on("facenode/hall/status")[-1:] == [b"offline"])
            assert_valid(subscriber.messages)
            found = [event for event in events(subscriber.messages) if event["event_type"] != "left"]
            self.persons = [event.get("person", {}).get("id", "unknown") for event in found]
            self.counts = {json.loads(payload)["count"] for payload in subscriber.on("facenode/hall/state")}


@pytest.fixture
def enrolled(mosquitto: Callable[..., Mosquitto], tmp_path: Path, media_dir: Path) -> Enrolled:
    """Return a broker, and the settings of a node that knows Grace."""
    broker = mosquitto()
    given = settings_for(broker, media_dir, tmp_path / "s")
    assert facenode("people", "add", "grace", media_dir / "grace_hopper.jpg", settings=given).code == 0
    return broker, given


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize(("mask", "person"), [(LEFT_HALF, "unknown"), ("0.5,0,0.5,1", "grace")])
def test_whoever_is_inside_a_mask_makes_no_event_and_no_count(  # noqa: PLR0913, PLR0917 - fixtures
    kind: str, mask: str, person: str, enrolled: Enrolled, scene: Image, clip: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    """The other one is there as if alone, from files, streams, a webcam's driver and a Pi camera's."""
    broker, given = enrolled
    folder = tmp_path / "pictures"
    folder.mkdir()
    with source(kind, scene, clip, folder) as (where, camera):
        watched = Watched(broker, given | {"camera.masks": mask, "detector.width": 640} | where, camera)
    assert watched.persons == [person]
    assert watched.counts == {0, 1}


@pytest.mark.timeout(300)
def test_without_a_mask_both_are_there(enrolled: Enrolled, clip: Path) -> None:
    """So that the tests above show something."""
    broker, given = enrolled
    watched = Watched(broker, given | {"camera.source": f"video:{clip}"}, None)
    assert sorted(watched.persons) == ["grace", "unknown"]
    assert 2 in watched.counts


@pytest.mark.timeout(300)
def test_masks_are_of_the_turned_and_cropped_view(enrolled: Enrolled, clip: Path) -> None:
    """A mask over the stranger in the whole view is beside her in the cropped one."""
    broker, given = enrolled
    view = {"camera.source": f"video:{clip}", "camera.masks": "0.7,0,0.3,1"}
    assert Watched(broker, given | view, None).persons == ["grace"]
    assert Watched(broker, given | view | {"camera.crop": "0.4,0,0.6,1"}, None).persons == ["unknown"]


def still_line(result: CommandResult) -> str:
    """Return what the line about the still says."""
    lines = [line for line in result.out.splitlines() if line[5:].startswith("still ")]
    assert len(lines) == 1, result
    return lines[0]


def shown(content: bytes) -> Image:
    """Return the pixels of a JPEG."""
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).astype(np.uint8)


@contextmanager
def _running(given: dict[str, object]) -> Iterator[None]:
    with running_facenode(given):
        folder = Path(str(given["storage.dir"]))
        assert eventually((folder / "node.sock").exists, TIMEOUT_S)
        yield


@pytest.mark.timeout(300)
@pytest.mark.parametrize("beside", [False, True])
def test_check_writes_a_still_as_the_node_sees_the_view(
    enrolled: Enrolled, scene: Image, tmp_path: Path, *, beside: bool
) -> None:
    """Turned, cropped, with its masks; also while a node has the camera. A JPEG that only its owner may read."""
    _, given = enrolled
    jpeg = cv2.imencode(".jpg", cv2.cvtColor(scene, cv2.COLOR_RGB2BGR))[1].tobytes()
    file = tmp_path / "view.jpg"
    with MjpegCamera(jpeg) as camera:
        view = {
            "camera.source": f"video:{camera.url}", "camera.rotate": 180, "camera.crop": "0,0,0.5,1",
            "camera.masks": "0,0,0.5,1",
        }  # fmt: skip
        running: AbstractContextManager[None] = _running(given | view) if beside else nullcontext()
        with running:
            result = facenode("check", "--still", file, settings=given | view, timeout_s=120)
    assert still_line(result) == f"ok   still             {file} shows the view as the node looks at it"
    expected = scene[::-1, ::-1][:, : SIZE[1] // 2].astype(float)
    picture = shown(file.read_bytes()).astype(float)
    assert picture.shape == expected.shape
    half = SIZE[1] // 4
    assert np.abs(picture[:, half + 8 :] - expected[:, half + 8 :]).mean() < 5
    assert picture[20:-20, 20 : half - 20].mean() < 0.8 * expected[20:-20, 20 : half - 20].mean()
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.timeout(300)
def test_no_still_is_written_where_there_is_none(enrolled: Enrolled, clip: Path, tmp_path: Path) -> None:
    """A line says why, and what the file held stays: in privacy mode, without a camera, and for what is no file."""
    _, given = enrolled
    file, storage = tmp_path / "view.jpg", Path(str(given["storage.dir"]))
    file.write_bytes(b"kept")
    away = given | {"camera.source": f"video:{tmp_path / 'none.mp4'}"}
    assert "FAIL" in still_line(facenode("check", "--still", file, settings=away, timeout_s=120))
    there = given | {"camera.source": f"video:{clip}"}
    for name in ("/dev/null", tmp_path, tmp_path / "none" / "view.jpg"):
        line = still_line(facenode("check", "--still", name, settings=there, timeout_s=120))
        assert line.startswith("FAIL")
        assert "name a file that can be written" in line
    (storage / "control.json").write_text('{"privacy":true,"recognition":true,"snoozed":{}}')
    assert "privacy" in still_line(facenode("check", "--still", file, settings=there, timeout_s=120))
    assert file.read_bytes() == b"kept"
    assert facenode("check", "--still", file, "--settings", settings=there).code == 2


@pytest.mark.timeout(300)
def test_the_page_gets_the_same_still_from_a_running_node(enrolled: Enrolled, scene: Image) -> None:
    """Over the local socket alone: pictures leave the machine only if the owner says so."""
    broker, given = enrolled
    jpeg = cv2.imencode(".jpg", cv2.cvtColor(scene, cv2.COLOR_RGB2BGR))[1].tobytes()
    with (
        MjpegCamera(jpeg) as camera,
        closing(Subscriber(broker.settings(), "facenode/hall/#")) as subscriber,
        _running(given | {"camera.source": f"video:{camera.url}", "camera.masks": LEFT_HALF}),
    ):
        answer = call(Path(str(given["storage.dir"])), Verb.STILL)
        assert answer["masks"] == 1
        assert shown(base64.b64decode(answer["jpeg"])).shape == (*SIZE, 3)
        refused = NodeClient(subscriber).request("still")
        assert refused["status"] == "error"
