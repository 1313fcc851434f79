"""Media that ship with the program -> a camera that three people pass, one of them known."""

import threading
from collections.abc import Iterator, Sequence

import numpy as np

from node.camera.camera import Camera
from node.camera.image_file import read_image
from node.camera.video import read_video
from node.clock import Clock
from node.domain import CameraState, Frame, Image, Tick
from node.system import bundled

_FPS = 10.0
_RETURN_FROM, _STRIDE = 60, 3
"""Frames of the video in which the man comes by again: none of those that he is enrolled from."""

ENROLLED_FRAMES = (0, 10, 20, 30, 40)
_STILL_S, _EMPTY_S = 1.2, 1.5


def enrolment_frames() -> list[Image]:
    """Return the frames of the video that the man is enrolled from, each (height, width, 3), uint8, RGB."""
    return [image for number, image in enumerate(_video()) if number in ENROLLED_FRAMES]


class DemoCamera(Camera):
    """Shows a stranger, an empty room, the known man, an empty room, another stranger, and an empty room.

    Frames come at ten per second of real time, or slower.

    Args:
        clock: source of the time.
        repeat: repeat without end.
    """

    name = "recording of three people"
    live = False
    state = CameraState.OK
    problem = None

    def __init__(self, clock: Clock, *, repeat: bool = False) -> None:
        self._clock = clock
        self._repeat = repeat
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[Tick]:
        # The next frame is due a tenth of a second after the last one, not after the start: on a busy machine the scene
        # is the same, only slower.
        due_s = self._clock.now().mono_s
        for image in self._images():
            if self._closed.wait(max(0.0, due_s - self._clock.now().mono_s)):
                return
            at = self._clock.now()
            due_s = at.mono_s + 1 / _FPS
            yield Tick(at, Frame(image))

    def close(self) -> None:
        """End the scene."""
        self._closed.set()

    def _images(self) -> Iterator[Image]:
        yield from self._scene()
        while self._repeat:
            yield from self._scene()

    def _scene(self) -> Iterator[Image]:
        empty = [np.full((480, 640, 3), 96, np.uint8)] * round(_EMPTY_S * _FPS)
        visits: Sequence[Sequence[Image]] = (
            _still("grace_hopper.jpg"),
            list(_video())[_RETURN_FROM::_STRIDE],
            _still("astronaut.jpg"),
        )
        for visit in visits:
            yield from visit
            yield from empty


def _video() -> Iterator[Image]:
    return read_video(bundled.path("media/carphone.mp4"))


def _still(name: str) -> list[Image]:
    return [read_image(bundled.path(f"media/{name}"))] * round(_STILL_S * _FPS)
