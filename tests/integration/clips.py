"""A clip as a camera whose frames carry the clock's own moments."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from node.camera.camera import Camera
from node.camera.video import read_video
from node.clock import Clock
from node.domain import CameraState, Frame, Tick


class ClockedClip(Camera):
    """The first frames of a clip, a tenth of a monotonic second apart; wall time and synchronisation are the clock's.

    Args:
        clip: the file.
        clock: gives the moments.
        frames: how many.
    """

    name, live, state, problem = "a clip", False, CameraState.OK, None

    def __init__(self, clip: Path, clock: Clock, frames: int = 60) -> None:
        self._frames = list(read_video(clip))[:frames]
        self._clock = clock
        self.taken_ms: list[float] = []
        """What the reader took for each frame."""

    def __iter__(self) -> Iterator[Tick]:
        start = self._clock.now()
        for number, image in enumerate(self._frames):
            self.before(number)
            tick = Tick(replace(self._clock.now(), mono_s=start.mono_s + number / 10), Frame(image))
            began_s = time.perf_counter()
            yield tick
            self.taken_ms.append((time.perf_counter() - began_s) * 1e3)

    def before(self, number: int) -> None:
        """Do what a test wants to happen before a frame."""

    def close(self) -> None:
        """Nothing is held."""
