"""One opening of a live source -> its latest frame, read by a thread of its own."""

import threading
from collections.abc import Callable
from typing import Protocol

from node.camera.frame_check import flaw
from node.clock import Clock
from node.domain import Frame, Tick
from node.errors import CameraError

_PAUSE_S = 0.02  # a driver that gives nothing but bad frames may give them without end and at once


class Source(Protocol):
    """An open live source; used by one thread only."""

    def read(self) -> Frame | None:
        """Wait for the next frame and return it; None if no more will come.

        Raises:
            CameraError: the source failed.
        """
        ...

    def close(self) -> None:
        """Release the source."""
        ...


Opener = Callable[[], Source]
"""Opens the source; may block, and raises CameraError if it cannot."""


class CaptureThread:
    """A thread that reads a source, and a slot for its latest frame: a new frame replaces one that was not taken.

    A frame that cannot be used, such as one without pixels, is dropped: to the camera no frame has come.

    The thread opens, reads and closes the source, since drivers do not allow one thread to close what another reads.
    It is a daemon: a driver that hangs for ever must not keep the process from ending.

    Attributes:
        ended: why the capture ended, set once the source is closed; None until then.
        flaw: why the latest frame was dropped; None if it was not.

    Args:
        name: the source for printing.
        opener: opens the source.
        clock: gives the moment at which a frame arrives.
        condition: notified when a frame arrives and when the capture ends. Held while the slot is read or written, so
            that the moments given under it never run backwards.
    """

    def __init__(self, name: str, opener: Opener, clock: Clock, condition: threading.Condition) -> None:
        self.ended: Exception | None = None
        self.flaw: str | None = None
        self._name = name
        self._opener = opener
        self._clock = clock
        self._condition = condition
        self._slot: Tick | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"capture {name}", daemon=True)
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether a frame is in the slot, or the capture has ended."""
        return self._slot is not None or self.ended is not None

    def take(self) -> Tick | None:
        """Return the latest frame that has not been taken yet. Call it with the condition held."""
        tick, self._slot = self._slot, None
        return tick

    def stop(self) -> None:
        """Ask the thread to end after the read in progress."""
        self._stopped.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the end of the thread."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        ended: Exception = CameraError(f"{self._name}: it was closed")
        try:
            self._capture()
        except Exception as error:  # noqa: BLE001 - passed to the iterating thread, which raises it if it is a bug
            ended = error
        with self._condition:
            self.ended = ended
            self._condition.notify_all()

    def _capture(self) -> None:
        source = self._opener()
        try:
            while not self._stopped.is_set():
                frame = source.read()
                if frame is None:
                    raise CameraError(f"{self._name}: no more frames: check that it is on and connected")
                if wrong := flaw(frame):
                    self.flaw = wrong
                    self._stopped.wait(_PAUSE_S)
                    continue
                self.flaw = None
                with self._condition:
                    self._slot = Tick(self._clock.now(), frame)
                    self._condition.notify_all()
        finally:
            source.close()
