"""What every driver is: a source of frames -> ticks.

The rules, which one suite of tests holds every driver to:

1. Time always passes. Between two ticks lies at most a second (and what the reader takes itself); where no frame
   came, the tick has none. In a finite source this is a second of the source's own time.
2. `mono_s` never runs backwards.
3. A live camera keeps only the latest frame: a slow reader skips frames and never falls behind. Its ticks carry
   the moment at which a frame arrived. It never ends by itself; what fails is opened again.
4. A finite source drops nothing, is not paced, and ends the iteration. Its ticks carry the moment at which the
   iteration began plus the frame's own presentation time, so two runs give the same differences, bit for bit.
5. A frame is full resolution, shape (height, width, 3), uint8, RGB, C-contiguous, and nobody else's memory; so is its
   small picture, where the driver has one, and it shows the same view.
6. A camera is iterated once. Closing ends the iteration and the capture thread; closing twice is fine.
7. What cannot be read is a CameraError of one line: what, where, what to do. It never holds a password.
"""

from collections.abc import Iterator
from types import TracebackType
from typing import Protocol, Self

from node.domain import CameraState, Tick


class Camera(Protocol):
    """Where frames come from; drivers inherit from it, so that the context manager is written once."""

    @property
    def name(self) -> str:
        """The source as it may be printed: its setting without any password."""
        ...

    @property
    def live(self) -> bool:
        """Whether frames come in real time and without end."""
        ...

    @property
    def state(self) -> CameraState:
        """`lost` where no frame came for `camera.stall_s`, else `ok`."""
        ...

    @property
    def problem(self) -> str | None:
        """What is wrong since the last frame, one line; None while all is well."""
        ...

    def __iter__(self) -> Iterator[Tick]:
        """Yield ticks.

        Raises:
            CameraError: the source cannot be read, or a lost camera did not come back in `camera.restart_after`
                attempts.
        """
        ...

    def close(self) -> None:
        """End the iteration and let go of the source."""
        ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
