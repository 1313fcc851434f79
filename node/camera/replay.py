"""Images with presentation times -> ticks of a finite source."""

import math
from collections.abc import Iterator
from datetime import timedelta
from typing import Protocol

from node.camera.camera import Camera
from node.clock import Clock
from node.domain import CameraState, Frame, Image, Instant, Tick

_GRID = 2.0**20  # steps per second
_TICK_S = 1.0


class Clip(Protocol):
    """A finite sequence of images."""

    def read(self) -> tuple[float, Image] | None:
        """Return the next presentation time in seconds, never before the last, and its image; None at the end.

        Raises:
            CameraError: an image cannot be read.
        """
        ...

    def close(self) -> None:
        """Release it; closing twice is fine."""
        ...


class Replay(Camera):
    """A clip as a camera: every frame, as fast as the reader takes them.

    Moments are rounded to 2**-20 s. Sums of such numbers are exact in float64 (up to 2**32 s), so the difference of two
    moments does not depend on when the replay began, and two runs decide everything alike.
    """

    def __init__(self, name: str, clip: Clip, clock: Clock) -> None:
        self._name = name
        self._clip = clip
        self._clock = clock
        self._closed = False

    @property
    def name(self) -> str:
        """The source for printing."""
        return self._name

    @property
    def live(self) -> bool:
        """Always False."""
        return False

    @property
    def state(self) -> CameraState:
        """Always `ok`: an unreadable clip raises."""
        return CameraState.OK

    @property
    def problem(self) -> str | None:
        """Always None: an unreadable clip raises."""
        return None

    def __iter__(self) -> Iterator[Tick]:
        """Yield a tick for each frame, and one without a frame for each second in which no frame is due.

        Raises:
            CameraError: an image cannot be read.
        """
        for tick in self._ticks():
            if self._closed:
                return
            yield tick

    def close(self) -> None:
        """End the iteration and release the clip."""
        self._closed = True
        self._clip.close()

    def _ticks(self) -> Iterator[Tick]:
        start, last_s = self._clock.now(), 0.0
        while not self._closed and (item := self._clip.read()):
            at_s, image = item
            while at_s - last_s > _TICK_S:
                last_s += _TICK_S
                yield Tick(_later(start, last_s), None)
            last_s = at_s
            yield Tick(_later(start, at_s), Frame(image))


def _later(start: Instant, after_s: float) -> Instant:
    exact_s = math.floor(start.mono_s * _GRID) / _GRID + round(after_s * _GRID) / _GRID
    return Instant(start.wall + timedelta(seconds=after_s), exact_s, start.synced)
