"""Frames and a clock -> a camera whose ticks carry the clock's time."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from node.camera.camera import Camera
from node.clock import Clock
from node.domain import CameraState, Frame, Image, Tick


class ClockedClip(Camera):
    """Yield frames 1 / `fps` monotonic seconds apart; wall time and synchronization come from the clock.

    Args:
        frames: each (height, width, 3), uint8, RGB.
        clock: the source of the times.
    """

    name, live, state, problem = "a clip", False, CameraState.OK, None
    fps = 10.0

    def __init__(self, frames: Sequence[Image], clock: Clock) -> None:
        self._frames = frames
        self._clock = clock
        self.frame_times_ms: list[float] = []
        """The time that the reader took for each frame, in milliseconds."""

    def __iter__(self) -> Iterator[Tick]:
        start = self._clock.now()
        for number, image in enumerate(self._frames):
            self.before_frame(number)
            tick = Tick(replace(self._clock.now(), mono_s=start.mono_s + number / self.fps), Frame(image))
            began_s = time.perf_counter()
            yield tick
            self.frame_times_ms.append((time.perf_counter() - began_s) * 1e3)

    def before_frame(self, number: int) -> None:
        """Run a test's action before a frame."""

    def close(self) -> None:
        """Do nothing: no resource is held."""


class LiveClip(ClockedClip):
    """Yield frames as a live camera, so that the node applies what it does only to live cameras."""

    live = True
