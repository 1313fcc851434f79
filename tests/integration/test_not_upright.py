"""Faces that are not upright, from the camera and in photos: no strangers, but a sentence that says what to do."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest
from clocked_clip import ClockedClip
from face_rotation import SETTINGS, clip, count, photos
from facenode_command import facenode
from mosquitto_broker import Mosquitto, Subscriber, eventually
from node_messages import assert_valid, events, load_settings, settings_for

from node.assembly import Vision, build_node, build_vision
from node.camera.image_file import read_image
from node.camera.turned import turn
from node.clock import SystemClock
from node.domain import Flaw, Frame, Image

TURNED = (60, 180, 300)
NEARLY_UPRIGHT = (20, 340)
"""Angles at the bounds, degrees; `tests/benchmarks/face_rotation.py` prints the figures for all of them."""


@pytest.fixture(scope="module")
def vision() -> Vision:
    """Return detector and network with the default settings, on one thread."""
    return build_vision(SETTINGS, ())


@pytest.mark.data
@pytest.mark.timeout(900)
def test_of_60_photos_at_most_one_is_usable_when_it_is_turned(vision: Vision, data_dir: Path) -> None:
    """From 60 to 300 degrees; within 20 degrees every photo is as usable and as well recognized as without the gate."""
    pictures = photos(vision, data_dir)
    usable = {angle: count(vision, pictures, angle).usable for angle in TURNED}
    assert {angle: number for angle, number in usable.items() if number > 1} == {}
    for angle in NEARLY_UPRIGHT:
        counts = count(vision, pictures, angle)
        assert (counts.usable, counts.recognized) == (counts.fit, counts.named)


@pytest.mark.timeout(900)
def test_in_a_clip_nobody_who_is_recognized_is_lost(vision: Vision) -> None:
    """The man in the clip holds his head aslant and looks aside: what is recognized of him stays so.

    When the clip is turned by 90 degrees or more, at most one of its 30 frames is usable.
    """
    pictures = clip(vision)
    usable = {angle: count(vision, pictures, angle).usable for angle in (90, 180, 270)}
    assert {angle: number for angle, number in usable.items() if number > 1} == {}
    for angle in NEARLY_UPRIGHT:
        counts = count(vision, pictures, angle)
        assert counts.recognized == counts.named


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_look_says_by_which_turn_the_face_becomes_upright(vision: Vision, media_dir: Path, degrees: int) -> None:
    """Turning the image by `turn` makes the look usable; the gate has a name of its own."""
    upright = read_image(media_dir / "grace_hopper.jpg")
    image = turn(upright, degrees)
    looks = [vision.recognizer.look(image, face) for face in vision.detector.detect(Frame(image))]
    for look in looks:
        assert Flaw.TILT in look.flaws
        assert look.turn == 360 - degrees
    assert looks or degrees != 180
    (face,) = vision.detector.detect(Frame(upright))
    assert (vision.recognizer.look(upright, face).flaws, vision.recognizer.look(upright, face).turn) == ((), 0)


def small(path: Path, degrees: int) -> Image:
    """Return a portrait of 384 pixels, turned clockwise."""
    image = cv2.resize(read_image(path), (384, 384), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return turn(image, degrees) if degrees else image


@pytest.mark.broker
@pytest.mark.timeout(600)
@pytest.mark.parametrize("degrees", [0, 180])
def test_health_says_whether_the_faces_are_upside_down(
    mosquitto: Callable[..., Mosquitto], media_dir: Path, tmp_path: Path, degrees: int
) -> None:
    """A camera head down makes nobody a stranger: no event, every look counted as tilted, and health says so."""
    broker, clock = mosquitto(), SystemClock()
    clip = ClockedClip([small(media_dir / "astronaut.jpg", degrees)] * 40, clock)
    clip.fps = 1.0
    with closing(Subscriber(broker.settings(), "facenode/hall/#")) as subscriber:
        node = build_node(load_settings(settings_for(broker, Path("none"), tmp_path)), clip, clock)
        node.run()
        assert eventually(lambda: subscriber.on("facenode/hall/status")[-1:] == [b"offline"])
        assert_valid(subscriber.messages)
        types = [event["event_type"] for event in events(subscriber.messages)]
    health = node.health.collect(clock.now(), clip.state)
    if degrees:
        assert (health.upside_down, health.flaws["tilt"], types) == (True, 40, [])
    else:
        assert (health.upside_down, health.flaws["tilt"], types) == (False, 0, ["unknown", "left"])


@pytest.mark.parametrize(("degrees", "what"), [(180, "are upside down"), (90, "lie on their side")])
def test_the_check_names_the_rotation_that_makes_the_faces_upright(
    media_dir: Path, tmp_path: Path, degrees: int, what: str
) -> None:
    """With the value set, the same frames pass. One of the two faces is found in the turned frame alone."""
    folder = tmp_path / "upside-down"
    folder.mkdir()
    for name in ("astronaut", "grace_hopper"):
        image = turn(read_image(media_dir / f"{name}.jpg"), 360 - degrees)
        cv2.imwrite(str(folder / f"{name}.png"), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    given = {"storage.dir": tmp_path / "s", "camera.source": f"images:{folder}", "mqtt.port": 1}
    lines = facenode("check", settings=given).out.splitlines()
    (camera,) = (line for line in lines if "images:" in line)
    assert camera.startswith("FAIL camera" if degrees == 180 else "ok   camera")
    assert camera.endswith(f"but the faces {what}: set camera.rotate = {degrees}")
    lines = facenode("check", settings=given | {"camera.rotate": degrees}).out.splitlines()
    (camera,) = (line for line in lines if "images:" in line)
    assert camera.startswith("ok   camera")
    assert "but the faces" not in camera


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_photo_that_is_not_upright_is_turned_when_somebody_is_enrolled(
    media_dir: Path, tmp_path: Path, degrees: int
) -> None:
    """The command says by how much, and the person is recognized in the upright photo."""
    given = {"storage.dir": tmp_path / "s"}
    photo = tmp_path / "photo.png"
    image = turn(read_image(media_dir / "astronaut.jpg"), degrees)
    cv2.imwrite(str(photo), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    added = facenode("people", "add", "eileen", photo, settings=given)
    assert added.code == 0, added.err
    assert (
        added.out.splitlines()[0] == f"photo.png: turned by {360 - degrees} degrees clockwise: no face in it is upright"
    )
    shown = facenode("recognize", media_dir / "astronaut.jpg", settings=given).out
    assert "eileen 0.9" in shown or "eileen 1.0" in shown
    assert "unusable (tilt)" in facenode("recognize", photo, settings=given).out or degrees != 180
