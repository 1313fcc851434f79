"""Frames as a camera whose ticks carry the clock's own moments."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from node.camera.camera import Camera
from node.clock import Clock
from node.domain import CameraState, Frame, Image, Tick


class ClockedClip(Camera):
    """Frames, 1 / `fps` monotonic seconds apart; wall time and synchronisation are the clock's.

    Args:
        frames: each (height, width, 3), uint8, RGB.
        clock: gives the moments.
    """

    name, live, state, problem = "a clip", False, CameraState.OK, None
    fps = 10.0

    def __init__(self, frames: Sequence[Image], clock: Clock) -> None:
        self._frames = frames
        self._clock = clock
        self.frame_times_ms: list[float] = []
        """What the reader took for each frame."""

    def __iter__(self) -> Iterator[Tick]:
        start = self._clock.now()
        for number, image in enumerate(self._frames):
            self.before_frame(number)
            tick = Tick(replace(self._clock.now(), mono_s=start.mono_s + number / self.fps), Frame(image))
            began_s = time.perf_counter()
            yield tick
            self.frame_times_ms.append((time.perf_counter() - began_s) * 1e3)

    def before_frame(self, number: int) -> None:
        """Do what a test wants to happen before a frame."""

    def close(self) -> None:
        """Nothing is held."""


class LiveClip(ClockedClip):
    """Frames as a live camera gives them, for whatever a node does with live cameras alone; time is as in a clip."""

    live = True
