"""Frames that cannot be searched for faces count as no frame."""

import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fake_cameras import picture
from makers import instant

from node.camera.camera import Camera
from node.camera.frame_check import CheckedCamera, flaw, size_flaw
from node.domain import CameraState, Frame, Image, Tick

BAD: list[Any] = [
    np.zeros((0, 0, 3), np.uint8),
    np.zeros((4, 0, 3), np.uint8),
    np.zeros((0, 6, 3), np.uint8),
    np.zeros((4, 6), np.uint8),
    np.zeros((4, 6, 4), np.uint8),
    np.zeros((4, 6, 3), np.float32),
    np.broadcast_to(np.uint8(0), (6000, 8000, 3)),
    None,
]


class Shown(Camera):
    """A camera that shows given images."""

    name = "shown"
    live = True
    state = CameraState.OK
    problem = None

    def __init__(self, *images: Image) -> None:
        self.closed = False
        self._images = images

    def __iter__(self) -> Iterator[Tick]:
        yield from (Tick(instant(number), Frame(image)) for number, image in enumerate(self._images))
        yield Tick(instant(99), None)

    def close(self) -> None:
        """Note it."""
        self.closed = True


@pytest.mark.parametrize("image", BAD, ids=str)
def test_a_frame_that_is_no_image_of_a_sensible_size_has_a_flaw(image: Image) -> None:
    """No pixels, another shape or type, or so many pixels that a small computer's memory is full; small images, too."""
    assert flaw(Frame(image))
    if image is not None:
        assert flaw(Frame(picture(), small=image))
    assert flaw(Frame(picture())) is None


def test_a_size_is_judged_before_a_frame_is_read() -> None:
    """Nothing is known of a device that states no size."""
    assert size_flaw(8000, 6000)
    assert size_flaw(4608, 2592) is None
    assert size_flaw(0, 0) is None


def test_bad_frames_of_a_camera_are_no_frames_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """Time passes, good frames are shown, and the log names the camera."""
    camera = Shown(picture(1), BAD[0], picture(2), BAD[3], BAD[6])
    with CheckedCamera(camera) as checked:
        ticks = list(checked)
        assert (checked.name, checked.live, checked.state, checked.problem) == ("shown", True, CameraState.OK, None)
    assert camera.closed
    assert [tick.at.mono_s for tick in ticks] == [instant(number).mono_s for number in (0, 1, 2, 3, 4, 99)]
    assert [tick.frame is not None for tick in ticks] == [True, False, True, False, False, False]
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        "shown: gives a frame of 0x0 pixels: not used"
    ]


def test_while_nobody_may_look_there_is_no_frame(caplog: pytest.LogCaptureFixture) -> None:
    """Not even the shape of a frame is asked for in privacy mode; time passes."""
    watching = iter([True, False, True, True])
    with CheckedCamera(Shown(picture(1), BAD[0], picture(2)), lambda: next(watching)) as checked:
        assert [tick.frame is not None for tick in checked] == [True, False, True, False]
    assert caplog.messages == []
