"""The real picamera2 on Debian 13, with libcamera's virtual camera: the driver, and a whole node.

The virtual camera gives both streams but has no sensor: no focus and no crop, and another process can open it too.
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
from facenode_command import environment, facenode
from mosquitto_broker import Mosquitto, Subscriber, eventually
from node_messages import assert_valid, settings_for
from picamera_root import SIZE, SMALL, picamera_root, show_picture, side_by_side, unplugged, with_camera
from process import run

from node.camera.image_file import read_image
from node.domain import Image

TIMEOUT_S = 90.0
PORTRAITS = ("astronaut.jpg", "grace_hopper.jpg")
pytestmark = pytest.mark.timeout(900)

Report = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def root(media_dir: Path) -> Path:
    """Return a root whose camera shows two people side by side."""
    made = picamera_root()
    show_picture(made, side_by_side(*(media_dir / name for name in PORTRAITS)))
    return made


@pytest.fixture(scope="module")
def report(root: Path) -> Report:
    """Return the driver's report with the real packages, by case."""
    found: Report = {}
    for line in run(*with_camera(root, "picamera_driver_report.py", "/srv/picamera")).splitlines():
        if line.startswith("{"):
            item = json.loads(line)
            found.setdefault(item.pop("case"), []).append(item)
    return found


def test_reopening_the_camera_leaks_nothing(report: Report) -> None:
    """Every opening gives full and small frames; neither threads nor open files grow."""
    openings = report["frames"]
    assert [each["count"] for each in openings] == [5, 5, 5]
    for each in openings:
        assert each["main"] == [SIZE[1], SIZE[0], 3]
        assert each["small"] == [SMALL[1], SMALL[0], 3]
        assert each["threads"] == []
    assert openings[2]["files"] <= openings[1]["files"]


def test_both_streams_show_the_scene_in_its_colors(report: Report, root: Path, media_dir: Path) -> None:
    """The mean error is 6 grey levels for JPEG and two YUV conversions, and 12 for another range."""
    assert report["frames"]
    shown = side_by_side(*(media_dir / name for name in PORTRAITS))
    for name, size in (("main", SIZE), ("small", SMALL)):
        seen = read_image(root / f"srv/picamera/{name}.png")
        expected = cv2.resize(shown, size, interpolation=cv2.INTER_AREA)
        assert _difference(seen, expected) < 12
        assert _difference(seen[:, :, ::-1], expected) > 20


def _difference(one: Image, other: cv2.typing.MatLike) -> float:
    return float(np.abs(one.astype(int) - np.asarray(other)).mean())


def test_a_stalled_camera_is_closed_and_reopened(report: Report) -> None:
    """The real one closes only once no thread waits for a frame, so waiting threads must be released."""
    (stall,) = report["stall"]
    assert stall["problems"] == ["picamera:0: no frame for 0.5 s: check its cable"]
    assert stall["again"] is True


def test_a_busy_camera_is_reported_and_usable_once_it_is_free(report: Report) -> None:
    """The driver understands the real error of libcamera below that of picamera2."""
    assert report["busy"][0]["error"].startswith("picamera:0: is used by another program: ")
    assert report["free again"][0]["count"] == 1


def test_a_camera_that_cannot_crop_is_reported(report: Report) -> None:
    """The virtual camera has no ScalerCrop."""
    assert report["crop"][0]["error"].startswith("picamera:0: cannot crop its view: remove camera.crop")


def test_the_names_that_the_driver_uses_exist_in_the_real_packages(report: Report) -> None:
    """Features that the virtual camera lacks exist by name, type and value."""
    (names,) = report["names"]
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
        [str(part) for part in with_camera(root, "virtual_camera.py", "run")],
        env=environment(settings), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """Return a broker between the node and the subscriber."""
    made = Mosquitto(tmp_path / "broker")
    made.start()
    yield made
    made.end()


def test_a_node_recognizes_people_before_the_camera_and_stops_cleanly(
    root: Path, media_dir: Path, broker: Mosquitto, tmp_path: Path
) -> None:
    """Grace is recognized and the other person is unknown; the exit code is 0 and the status `offline`."""
    settings = settings_for(broker, tmp_path, Path("/srv/picamera/storage")) | {"camera.source": "picamera"}
    photo = root / "srv/picamera/photo.jpg"
    shutil.copy(media_dir / "grace_hopper.jpg", photo)
    add = ("people", "add", "grace", Path("/") / photo.relative_to(root))
    run(*with_camera(root, "virtual_camera.py", *add), environ=environment(settings))

    with closing(Subscriber(broker.settings(), "facenode/#")) as subscriber, _node(root, settings) as process:

        def kinds() -> set[str]:
            return {message.topic.split("/")[3] for message in subscriber.messages if "/event/" in message.topic}

        assert eventually(lambda: {"recognized", "unknown"} <= kinds(), TIMEOUT_S), process.poll()
        assert json.loads(subscriber.on("facenode/hall/health")[-1])["camera"] == "ok"
        process.terminate()
        assert process.wait(TIMEOUT_S) == 0
        assert process.stderr is not None
        log = process.stderr.read()
        assert eventually(lambda: subscriber.on("facenode/hall/status")[-1:] == [b"offline"], TIMEOUT_S)
    assert "Traceback" not in log
    assert "INFO Camera" not in log  # libcamera's own lines
    assert_valid(subscriber.messages)
    named = [json.loads(message) for message in subscriber.on("facenode/hall/event/recognized")]
    assert {event["person"]["id"] for event in named} == {"grace"}


def test_check_distinguishes_a_camera_no_camera_and_a_missing_package(root: Path, tmp_path: Path) -> None:
    """In each case a line says what to do."""
    settings = {"camera.source": "picamera", "storage.dir": tmp_path, "mqtt.port": 9}

    def line(shown: str) -> str:
        return next(each for each in shown.splitlines() if each[5:].startswith("camera "))

    check = with_camera(root, "virtual_camera.py", "check")
    assert line(run(*check, environ=environment(settings), code=1)).endswith("picamera:0 delivers 1280x720")
    with unplugged(root):
        found = line(run(*check, environ=environment(settings), code=1))
        assert "picamera: no camera is found: check its cable" in found
    assert "apt install python3-picamera2" in line(facenode("check", settings=settings).out)
