"""A camera that counts how often the pixels of its frames are read."""

import threading
from collections.abc import Iterator

from node.camera.camera import Camera
from node.clock import SystemClock
from node.domain import CameraState, Frame, Image, Tick


class CountingFrame(Frame):
    """A frame that counts each read of its pixels."""

    pixel_reads = 0

    def __getattribute__(self, name: str) -> object:
        if name in {"image", "small"}:
            CountingFrame.pixel_reads += 1
        return super().__getattribute__(name)


class CountingCamera(Camera):
    """Show one picture 20 times a second while open, or no frame while `lost` is set.

    Attributes:
        ticks: the number of ticks so far.
        lost: whether ticks come without frames.
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
        """The state that the test has set."""
        return CameraState.LOST if self.lost else CameraState.OK

    def __iter__(self) -> Iterator[Tick]:
        while not self._closed.wait(0.05):
            self.ticks += 1
            yield Tick(self._clock.now(), None if self.lost else CountingFrame(self._image))

    def close(self) -> None:
        """End the iteration."""
        self._closed.set()
