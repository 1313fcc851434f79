"""Frames of any shape and type from a camera -> frames that can be searched and sent, or no frame.

python -m tests.fuzz.frames --seconds 60
"""

import struct
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from node.camera.camera import Camera
from node.camera.frame_check import CheckedCamera
from node.camera.image_header import MAX_PIXELS
from node.domain import CameraState, Frame, Instant, Tick
from node.system import bundled
from node.vision.detector import Detector
from node.vision.jpeg import frame_jpeg
from node.vision.motion import Motion
from node.vision.search import Search
from node.vision.tflite import find_runtime
from node.vision.tracked_search import TrackedSearch
from tests.fuzz.driver import Target, main

_SEARCHED_PX = 160
_SIDES = (0, 1, 2, 3, 7, 64, 641, 4608, 8000, 1 << 20)
_CHANNELS = (0, 1, 2, 3, 3, 3, 3, 4)
_TYPES = ("u1", "u1", "u1", "u1", "u2", "f4", "i1", "?")
_HEAD = struct.Struct("<BIIBB")


class _OneFrame(Camera):
    """A camera that shows one frame."""

    name, live, state, problem = "fuzz", True, CameraState.OK, None

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def __iter__(self) -> Iterator[Tick]:
        yield Tick(Instant(datetime(2026, 1, 1, tzinfo=UTC), 1.0, synced=True), self._frame)

    def close(self) -> None:
        """Do nothing."""


def build(folder: Path) -> Sequence[Target]:
    """Return the target."""
    del folder
    detector = Detector(bundled.detector(find_runtime("auto")[0]), _SEARCHED_PX)

    def check(content: bytes) -> str:
        (tick,) = CheckedCamera(_OneFrame(Frame(_image(content))))
        Search(detector, Motion(), tracked=TrackedSearch()).faces(tick, ())
        if tick.frame is None:
            return "dropped"
        image = tick.frame.image
        assert image.dtype == np.uint8
        assert 0 < image.shape[0] * image.shape[1] <= MAX_PIXELS
        assert frame_jpeg(image).startswith(b"\xff\xd8")
        return "searched"

    return (Target("frames", _forged, check),)


def _forged(random: Random) -> bytes:
    """Return the dimensions, sides, channels and type of an image, and a gray level."""
    return _HEAD.pack(
        random.choice((0, 1, 2, 3, 3, 3, 4)),
        random.choice(_SIDES),
        random.choice(_SIDES),
        random.choice(_CHANNELS),
        random.randrange(len(_TYPES)),
    )


def _image(content: bytes) -> Any:  # noqa: ANN401 - it may be no image at all
    """Return an image of those dimensions, all of one pixel, so that it takes no memory of its own."""
    dimensions, height, width, channels, kind = _HEAD.unpack(content)
    shape = (height, width, channels, 1)[:dimensions]
    image = np.broadcast_to(np.zeros((), _TYPES[kind]), shape)
    return np.array(image) if 0 < image.size <= 3 * MAX_PIXELS else image


if __name__ == "__main__":
    raise SystemExit(main(build))
