"""A source of frames -> ticks: the contract of every driver.

One test suite holds every driver to these rules:

1. Time always passes. Two ticks are at most a second apart, plus the time that the reader takes itself. A tick without
   a new frame has no frame. In a finite source the second is one of the source's own time.
2. `mono_s` never runs backwards.
3. A live camera keeps only the latest frame: a slow reader skips frames and never falls behind. Its ticks carry the
   moment at which the frame arrived. It never ends by itself; it is reopened when it fails. It is lost until a frame
   comes, and a camera that is away is no error: it is waited for.
4. A finite source drops nothing, is not paced, and ends the iteration. Its ticks carry the moment at which the
   iteration began plus the frame's own presentation time, so two runs give the same differences, bit for bit.
5. A frame has full resolution, shape (height, width, 3), uint8, RGB, is C-contiguous and owns its memory. So does its
   small image, where the driver has one; it shows the same view. Both are turned by `camera.rotate`, then cropped by
   `camera.crop`.
6. A camera is iterated once. Closing it ends the iteration and the capture thread; closing twice is fine.
7. An unreadable file, or a source that cannot work on this machine, raises a CameraError of one line: what, where, what
   to do. It never contains a password.
"""

from collections.abc import Iterator
from types import TracebackType
from typing import Protocol, Self

from node.domain import CameraState, Tick


class Camera(Protocol):
    """A source of frames. Drivers inherit from it, so that the context manager is written once."""

    @property
    def name(self) -> str:
        """The source for printing: its setting without any password."""
        ...

    @property
    def live(self) -> bool:
        """Whether frames come in real time and without end."""
        ...

    @property
    def state(self) -> CameraState:
        """`lost` until a frame comes, and once none has come for `camera.stall_s`; else `ok`."""
        ...

    @property
    def outage(self) -> bool | None:
        """Whether the camera has been lost for `camera.stall_s`; None if it is lost, but not known for how long.

        A camera that was just opened is lost, but needs a moment for its first frame: that is no outage yet, and an
        earlier one need not be over.
        """
        return self.state is CameraState.LOST

    @property
    def problem(self) -> str | None:
        """The last error since the last frame, one line; None while frames come."""
        ...

    def __iter__(self) -> Iterator[Tick]:
        """Yield ticks.

        Raises:
            CameraError: the source cannot be read, or only a new process may help a lost camera.
        """
        ...

    def close(self) -> None:
        """End the iteration and release the source."""
        ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
