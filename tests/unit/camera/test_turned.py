"""`camera.rotate` turns every frame of every source."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from fake_cameras import ScriptedSource, fake_camera
from fake_picamera import Sensor, package
from makers import instant
from manual_clock import ManualClock

from node.camera import open_camera
from node.camera.camera import Camera
from node.camera.image_file import read_image
from node.camera.picamera.driver import connect
from node.camera.turned import TurnedCamera, turn
from node.camera.video import read_video
from node.domain import CameraState, Frame, Image, Tick
from node.settings import CameraSettings

DEGREES = (90, 180, 270)
MARKED = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)


def clockwise(image: Image, degrees: int) -> Image:
    """Return an image turned clockwise, by numpy."""
    return np.rot90(image, -degrees // 90)


class Two(Camera):
    """A camera with one frame that has a small image, and one that cannot be used."""

    name, live, state, problem = "two", True, CameraState.OK, None

    def __iter__(self) -> Iterator[Tick]:
        yield Tick(instant(0), Frame(MARKED, MARKED[:, :2].copy()))
        yield Tick(instant(1), Frame(np.zeros((0, 0, 3), np.uint8)))
        yield Tick(instant(2), None)

    def close(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize("degrees", DEGREES)
def test_an_image_is_turned_clockwise_in_memory_of_its_own(degrees: int) -> None:
    """What stands at the top left is at the top right after a quarter turn."""
    turned = turn(MARKED, degrees)
    assert np.array_equal(turned, clockwise(MARKED, degrees))
    assert turned.flags.c_contiguous
    assert turned.flags.owndata
    if degrees == 90:
        assert np.array_equal(turned[0, -1], MARKED[0, 0])


@pytest.mark.parametrize("degrees", DEGREES)
def test_both_images_of_a_frame_are_turned_and_a_bad_frame_is_none(degrees: int) -> None:
    """A box found in the small image is cropped from the full one, so both show the same view; moments stay."""
    first, bad, none = list(TurnedCamera(Two(), degrees))
    assert first.frame is not None
    assert first.frame.small is not None
    assert np.array_equal(first.frame.image, clockwise(MARKED, degrees))
    assert np.array_equal(first.frame.small, clockwise(MARKED[:, :2], degrees))
    assert (bad.frame, none.frame) == (None, None)
    assert [tick.at.mono_s for tick in (first, bad, none)] == [0, 1, 2]


def test_what_a_camera_says_of_itself_stays(tmp_path: Path) -> None:
    """Name, state and problem are those of the source."""
    del tmp_path
    source = ScriptedSource(MARKED)
    with TurnedCamera(fake_camera(source, ManualClock()), 90) as camera:
        tick = next(tick for tick in camera if tick.frame)
        assert tick.frame is not None
        assert tick.frame.image.shape == (3, 2, 3)
        assert (camera.name, camera.live, camera.state, camera.problem) == ("fake", True, CameraState.OK, None)
        source.add(None)


def first_image(settings: dict[str, object]) -> Image:
    """Return the first image of a source."""
    with open_camera(CameraSettings.model_validate(settings), ManualClock()) as camera:
        return next(tick.frame.image for tick in camera if tick.frame)


@pytest.mark.parametrize("degrees", DEGREES)
def test_files_are_turned_as_they_are_opened(degrees: int, media_dir: Path) -> None:
    """Clips and pictures, the same as live sources: one place turns them all."""
    sources: dict[str, Callable[[], Image]] = {
        f"video:{media_dir / 'carphone.mp4'}": lambda: next(iter(read_video(media_dir / "carphone.mp4"))),
        f"images:{media_dir / 'astronaut.jpg'}": partial(read_image, media_dir / "astronaut.jpg"),
    }
    for source, upright in sources.items():
        assert np.array_equal(first_image({"source": source, "rotate": degrees}), clockwise(upright(), degrees))
        assert np.array_equal(first_image({"source": source}), upright())


def test_rotation_comes_before_the_crop_of_a_pi_camera() -> None:
    """The crop is of the turned view: after a quarter turn its top left quarter is the sensor's bottom left one."""
    crops = {}
    for rotate in (0, *DEGREES):
        sensor = Sensor(lambda: None)
        settings = CameraSettings.model_validate(
            {"source": "picamera", "width": 640, "height": 480, "crop": (0, 0, 0.5, 0.5), "rotate": rotate}
        )
        connect(package(sensor), 0, settings).close()
        ((left, top, _, _),) = sensor.set.values()
        crops[rotate] = (left, top)
    assert crops == {0: (0, 2), 90: (0, 1232), 180: (1640, 1232), 270: (1640, 2)}


@pytest.mark.parametrize("given", [90, "90", "270", 0])
def test_the_setting_is_a_number_or_its_digits(given: object) -> None:
    """A file gives a number, a variable or the command line gives digits."""
    assert CameraSettings.model_validate({"rotate": given}).rotate == int(str(given))


@pytest.mark.parametrize("given", [45, "45", "right", -90, 360, 90.5, "9" * 5000])
def test_other_turns_are_refused(given: object) -> None:
    """Only quarter turns keep all of the image."""
    with pytest.raises(ValueError, match="rotate"):
        CameraSettings.model_validate({"rotate": given})
