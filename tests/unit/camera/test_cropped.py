"""`camera.crop` cuts every frame of every source but a Pi camera, which does it on its sensor."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from fake_cameras import LoopedClip
from fake_picamera import Sensor, package
from hypothesis import given
from hypothesis import strategies as st
from makers import instant
from manual_clock import ManualClock

from node.camera import open_camera
from node.camera.camera import Camera
from node.camera.cropped import CroppedCamera, cut
from node.camera.image_file import read_image
from node.camera.picamera.driver import connect
from node.camera.turned import turn
from node.camera.video import read_video
from node.camera.webcam import open_webcam
from node.domain import Box, CameraState, Frame, Image, Tick
from node.settings import CameraSettings

IMAGE = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
QUARTER = (0.5, 0.0, 0.5, 0.5)


class Three(Camera):
    """A camera with a frame that has a small image, one that cannot be used, and none."""

    name, live, state, problem = "three", True, CameraState.OK, None

    def __iter__(self) -> Iterator[Tick]:
        yield Tick(instant(0), Frame(IMAGE, IMAGE[::2, ::2].copy()))
        yield Tick(instant(1), Frame(np.zeros((0, 0, 3), np.uint8)))
        yield Tick(instant(2), None)

    def close(self) -> None:
        """Do nothing."""


def test_both_images_of_a_frame_are_cropped_and_own_their_memory() -> None:
    """A box found in the small image is cropped from the full one, so both show the same view; moments stay."""
    first, bad, none = list(CroppedCamera(Three(), Box(*QUARTER)))
    assert first.frame is not None
    assert first.frame.small is not None
    assert np.array_equal(first.frame.image, IMAGE[:20, 30:])
    assert np.array_equal(first.frame.small, IMAGE[::2, ::2][:10, 15:])
    for image in (first.frame.image, first.frame.small):
        assert image.flags.c_contiguous
        assert image.flags.owndata
    assert (bad.frame, none.frame) == (None, None)
    assert [tick.at.mono_s for tick in (first, bad, none)] == [0, 1, 2]


@given(
    st.integers(1, 50), st.integers(1, 50),
    st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0.1, 1), st.floats(0.1, 1)),
)  # fmt: skip
def test_a_part_has_at_least_one_pixel_and_none_beyond_the_image(
    rows: int, columns: int, part: tuple[float, float, float, float]
) -> None:
    """However few pixels the image has; to the nearest pixel."""
    left, top, width, height = part
    box = Box(min(left, 1 - width), min(top, 1 - height), width, height)
    found = cut(np.zeros((rows, columns, 3), np.uint8), box)
    assert 1 <= found.shape[0] <= rows
    assert 1 <= found.shape[1] <= columns
    assert found.shape[0] == pytest.approx(height * rows, abs=1)
    assert found.shape[1] == pytest.approx(width * columns, abs=1)


def first_image(settings: dict[str, object]) -> Image:
    """Return the first image of a source."""
    with open_camera(CameraSettings.model_validate(settings), ManualClock()) as camera:
        return next(tick.frame.image for tick in camera if tick.frame)


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
def test_every_source_of_files_is_turned_and_then_cropped(rotate: int, media_dir: Path) -> None:
    """The crop is of the turned image."""
    sources = {
        f"video:{media_dir / 'carphone.mp4'}": next(iter(read_video(media_dir / "carphone.mp4"))),
        f"images:{media_dir / 'astronaut.jpg'}": read_image(media_dir / "astronaut.jpg"),
    }
    for source, stored in sources.items():
        whole = turn(stored, rotate) if rotate else stored
        rows, columns = whole.shape[:2]
        shown = first_image({"source": source, "rotate": rotate, "crop": QUARTER})
        assert np.array_equal(shown, whole[: round(rows / 2), round(columns / 2) :])


def test_a_webcam_is_cropped_too(media_dir: Path) -> None:
    """Of a live source only what is read is cropped."""
    clip = media_dir / "carphone.mp4"
    webcam = open_webcam("0", CameraSettings(), ManualClock(), partial(LoopedClip, clip))
    with CroppedCamera(webcam, Box(*QUARTER)) as camera:
        frame = next(tick.frame for tick in camera if tick.frame)
    known = {image[:72, 88:].tobytes() for image in read_video(clip)}
    assert frame.image.tobytes() in known


def test_a_pi_camera_crops_on_its_sensor_alone() -> None:
    """The frame keeps its size, so that a distant door has more pixels; it is not cropped twice."""
    sensor = Sensor(lambda: np.zeros((480, 640, 3), np.uint8))
    settings = CameraSettings.model_validate({"source": "picamera", "width": 640, "height": 480, "crop": QUARTER})
    source = connect(package(sensor), 0, settings)
    assert source.read() is not None
    source.close()
    ((left, top, width, height),) = sensor.set.values()
    assert (left, top, width, height) == (1640, 2, 1640, 1230)


@pytest.mark.parametrize(
    ("masks", "read"),
    [
        ("0,0,0.5,1; 0.8,0,0.2,1", ((0, 0, 0.5, 1), (0.8, 0, 0.2, 1))),
        ("0.1,0.1,0.9,0.9", ((0.1, 0.1, 0.9, 0.9),)),
        ("", ()),
        ([[0, 0, 1, 1]], ((0, 0, 1, 1),)),
    ],
)
def test_masks_are_a_list_or_text(masks: object, read: object) -> None:
    """A file gives a list of lists; a variable or the command line gives numbers with commas and semicolons."""
    assert CameraSettings.model_validate({"masks": masks}).masks == read


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        ([[0, 0, 0, 1]], "mask 1 has no width or no height"),
        ([[0, 0, 1, 1], [0.5, 0, 0.6, 1]], "mask 2 extends beyond the view"),
        ([[0, 0, 1]], "masks.0"),
        ("0,0,0.5", "masks.0"),
        ("0,0,a,1", "masks.0.2"),
        ([[0, 0, 0.1, 0.1]] * 33, "at most 32 items"),
        ([[0, 0, float("nan"), 1]], "masks.0.2"),
    ],
)
def test_a_mask_that_is_none_is_refused(masks: object, message: str) -> None:
    """The message says which of them and what is wrong."""
    with pytest.raises(ValueError, match=message):
        CameraSettings.model_validate({"masks": masks})


def test_a_crop_needs_no_pi_camera_any_more() -> None:
    """A flip still does: only its sensor mirrors."""
    assert CameraSettings.model_validate({"source": "webcam:0", "crop": QUARTER}).crop == QUARTER
    with pytest.raises(ValueError, match="only picamera supports hflip"):
        CameraSettings.model_validate({"source": "webcam:0", "hflip": True})
