"""The media that ship with the program -> a camera in front of which three people pass, one of them known."""

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
_MET_FROM, _STRIDE = 60, 3
"""Frames of the clip in which the man is met again: none of those that he is enrolled from."""

ENROLLED_FRAMES = (0, 10, 20, 30, 40)
_SHOWN_S, _EMPTY_S = 1.2, 1.5


def enrolment_pictures() -> list[Image]:
    """Return the frames of the clip that the man is enrolled from, each (height, width, 3), uint8, RGB."""
    return [image for number, image in enumerate(_clip()) if number in ENROLLED_FRAMES]


class DemoCamera(Camera):
    """A stranger, an empty room, the man who is known, an empty room, another stranger, an empty room.

    Frames come at ten a second of real time, or slower.

    Args:
        clock: gives every moment.
        again: play without end.
    """

    name = "three people, played back"
    live = False
    state = CameraState.OK
    problem = None

    def __init__(self, clock: Clock, *, again: bool = False) -> None:
        self._clock = clock
        self._again = again
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[Tick]:
        # The next frame is due a tenth of a second after the last one, not after the start: a machine that is busy
        # elsewhere sees the same play, only slower.
        due_s = self._clock.now().mono_s
        for image in self._images():
            if self._closed.wait(max(0.0, due_s - self._clock.now().mono_s)):
                return
            at = self._clock.now()
            due_s = at.mono_s + 1 / _FPS
            yield Tick(at, Frame(image))

    def close(self) -> None:
        """End the play."""
        self._closed.set()

    def _images(self) -> Iterator[Image]:
        yield from self._play()
        while self._again:
            yield from self._play()

    def _play(self) -> Iterator[Image]:
        empty = [np.full((480, 640, 3), 96, np.uint8)] * round(_EMPTY_S * _FPS)
        scenes: Sequence[Sequence[Image]] = (
            _still("grace_hopper.jpg"),
            list(_clip())[_MET_FROM::_STRIDE],
            _still("astronaut.jpg"),
        )
        for scene in scenes:
            yield from scene
            yield from empty


def _clip() -> Iterator[Image]:
    return read_video(bundled.bundled("media/carphone.mp4"))


def _still(name: str) -> list[Image]:
    return [read_image(bundled.bundled(f"media/{name}"))] * round(_SHOWN_S * _FPS)
