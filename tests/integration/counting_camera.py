"""A camera that counts how often somebody looked at its frames."""

import threading
from collections.abc import Iterator

from node.camera.camera import Camera
from node.clock import SystemClock
from node.domain import CameraState, Frame, Image, Tick


class CountingFrame(Frame):
    """A frame that counts each look at its pixels."""

    pixel_reads = 0

    def __getattribute__(self, name: str) -> object:
        if name in {"image", "small"}:
            CountingFrame.pixel_reads += 1
        return super().__getattribute__(name)


class CountingCamera(Camera):
    """Shows one picture for as long as it is open, twenty times a second, or nothing while it is lost.

    Attributes:
        ticks: how many there were.
        lost: whether it has no frames.
    """

    name, live, problem = "a picture", True, None

    def __init__(self, image: Image) -> None:
        self._image = image
        self._clock = SystemClock()
        self._closed = threading.Event()
        self.lost = False
        self.ticks = 0

    @property
    def state(self) -> CameraState:
        """As a test wants it."""
        return CameraState.LOST if self.lost else CameraState.OK

    def __iter__(self) -> Iterator[Tick]:
        while not self._closed.wait(0.05):
            self.ticks += 1
            yield Tick(self._clock.now(), None if self.lost else CountingFrame(self._image))

    def close(self) -> None:
        """End the iteration."""
        self._closed.set()
