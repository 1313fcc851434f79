"""The real picamera2 on Debian 13, before libcamera's virtual camera: the driver, and a whole node.

The virtual camera gives both streams, but has no sensor: no focus, no crop, and another process may open it, too.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from facenode import environment, facenode
from piroot import SIZE, SMALL, pi_root, show, side_by_side, unplugged, with_camera
from process import run
from realbroker import Mosquitto, Subscriber, eventually
from told import settings_for, validate

from node.camera.image_file import read_image
from node.domain import Image

PATIENCE_S = 90.0
PORTRAITS = ("astronaut.jpg", "grace_hopper.jpg")
pytestmark = pytest.mark.timeout(900)

Told = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def root(media_dir: Path) -> Path:
    """Return a root whose camera shows two people beside each other."""
    made = pi_root()
    show(made, side_by_side(*(media_dir / name for name in PORTRAITS)))
    return made


@pytest.fixture(scope="module")
def told(root: Path) -> Told:
    """Return what the driver did with the real packages, by kind."""
    found: Told = {}
    for line in run(*with_camera(root, "picameratrial.py", "/srv/picamera")).splitlines():
        if line.startswith("{"):
            item = json.loads(line)
            found.setdefault(item.pop("what"), []).append(item)
    return found


def test_the_driver_opens_a_camera_again_and_again_and_leaves_nothing_behind(told: Told) -> None:
    """Full frames and small ones each time; neither threads nor open files grow from one opening to the next."""
    openings = told["frames"]
    assert [each["count"] for each in openings] == [5, 5, 5]
    for each in openings:
        assert each["main"] == [SIZE[1], SIZE[0], 3]
        assert each["small"] == [SMALL[1], SMALL[0], 3]
        assert each["threads"] == []
    assert openings[2]["files"] <= openings[1]["files"]


def test_both_streams_show_what_is_before_the_camera(told: Told, root: Path, media_dir: Path) -> None:
    """Colours in their places: on average 6 grey levels for JPEG and two conversions of YUV, 12 for another range."""
    assert told["frames"]
    shown = side_by_side(*(media_dir / name for name in PORTRAITS))
    for name, size in (("main", SIZE), ("small", SMALL)):
        seen = read_image(root / f"srv/picamera/{name}.png")
        expected = cv2.resize(shown, size, interpolation=cv2.INTER_AREA)
        assert _difference(seen, expected) < 12
        assert _difference(seen[:, :, ::-1], expected) > 20


def _difference(one: Image, other: cv2.typing.MatLike) -> float:
    return float(np.abs(one.astype(int) - np.asarray(other)).mean())


def test_a_camera_that_stops_giving_frames_is_let_go_and_opened_again(told: Told) -> None:
    """The real one closes only once nobody waits for a frame any more: whoever waits in vain must be sent away."""
    (stall,) = told["stall"]
    assert stall["problems"] == ["picamera:0: no frame for 0.5 s: check its cable"]
    assert stall["again"] is True


def test_a_busy_camera_is_told_and_free_once_it_is_closed(told: Told) -> None:
    """The real words of libcamera, under those of picamera2, are understood."""
    assert told["busy"][0]["error"].startswith("picamera:0: is used by another program: ")
    assert told["free again"][0]["count"] == 1


def test_a_camera_that_cannot_crop_is_told(told: Told) -> None:
    """The virtual camera has no ScalerCrop."""
    assert told["crop"][0]["error"].startswith("picamera:0: cannot show a part of its view: remove camera.crop")


def test_the_names_that_the_driver_uses_exist_in_the_real_packages(told: Told) -> None:
    """What the virtual camera cannot show is at least there by name, kind and value."""
    (names,) = told["names"]
    wanted = {"main", "lores", "transform", "colour_space", "controls", "buffer_count", "queue"}
    assert wanted <= set(names["options"])
    assert "wait" in names["capture"]
    assert names["methods"] == ["cancel_all_and_flush", "close", "set_controls", "start"]
    assert names["continuous"] == 2
    assert names["controls"]["ScalerCrop"].endswith("Rectangle")
    assert names["formats"] == ["BGR888", "RGB888", "YUV420", "NV12"]
    assert len(set(names["transforms"])) == 2


@contextmanager
def _node(root: Path, settings: Mapping[str, object]) -> Iterator[subprocess.Popen[str]]:
    """Run a node in the root until the block ends."""
    process = subprocess.Popen(
        [str(part) for part in with_camera(root, "virtualcamera.py", "run")],
        env=environment(settings), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """Return a broker between the node and who listens."""
    made = Mosquitto(tmp_path / "broker")
    made.start()
    yield made
    made.end()


def test_a_node_recognises_who_is_before_the_camera_and_stops_cleanly(
    root: Path, media_dir: Path, broker: Mosquitto, tmp_path: Path
) -> None:
    """From the camera's buffer to the event: Grace by her id, the other as a stranger; the end is 0 and `offline`."""
    settings = settings_for(broker, tmp_path, Path("/srv/picamera/storage")) | {"camera.source": "picamera"}
    photo = root / "srv/picamera/photo.jpg"
    shutil.copy(media_dir / "grace_hopper.jpg", photo)
    add = ("people", "add", "grace", Path("/") / photo.relative_to(root))
    run(*with_camera(root, "virtualcamera.py", *add), environ=environment(settings))

    with closing(Subscriber(broker.settings(), "facenode/#")) as subscriber, _node(root, settings) as process:

        def kinds() -> set[str]:
            return {message.topic.split("/")[3] for message in subscriber.messages if "/event/" in message.topic}

        assert eventually(lambda: {"recognized", "unknown"} <= kinds(), PATIENCE_S), process.poll()
        assert json.loads(subscriber.on("facenode/hall/health")[-1])["camera"] == "ok"
        process.terminate()
        assert process.wait(PATIENCE_S) == 0
        assert process.stderr is not None
        said = process.stderr.read()
        assert eventually(lambda: subscriber.on("facenode/hall/status")[-1:] == [b"offline"], PATIENCE_S)
    assert "Traceback" not in said
    assert "INFO Camera" not in said  # libcamera's own lines
    validate(subscriber.messages)
    named = [json.loads(message) for message in subscriber.on("facenode/hall/event/recognized")]
    assert {event["person"]["id"] for event in named} == {"grace"}


def test_check_tells_a_camera_from_none_and_from_a_missing_package(root: Path, tmp_path: Path) -> None:
    """A line says what to do; each in a process of its own, as its owner runs it."""
    settings = {"camera.source": "picamera", "storage.dir": tmp_path, "mqtt.port": 9}

    def line(shown: str) -> str:
        return next(each for each in shown.splitlines() if each[5:].startswith("camera "))

    check = with_camera(root, "virtualcamera.py", "check")
    assert line(run(*check, environ=environment(settings), code=1)).endswith("picamera:0 delivers 1280x720")
    with unplugged(root):
        told = line(run(*check, environ=environment(settings), code=1))
        assert "picamera: no camera is found: check its cable" in told
    assert "apt install python3-picamera2" in line(facenode("check", settings=settings).out)
