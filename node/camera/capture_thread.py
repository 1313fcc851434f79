"""One opening of a live source -> its latest frame, by a thread of its own."""

import threading
from collections.abc import Callable
from typing import Protocol

from node.clock import Clock
from node.domain import Frame, Tick
from node.errors import CameraError


class Source(Protocol):
    """An opened live source; used by one thread only."""

    def read(self) -> Frame | None:
        """Wait for the next frame and return it; None when no more will come.

        Raises:
            CameraError: the source failed.
        """
        ...

    def close(self) -> None:
        """Let go of the source."""
        ...


Opener = Callable[[], Source]
"""Opens the source; may block, and raises CameraError where it cannot."""


class Feed:
    """A capture thread and the slot for its latest frame; a frame not taken is replaced by the next.

    The thread opens, reads and closes the source, since drivers do not bear to be closed by one thread while
    another reads. It is a daemon: a driver that hangs for ever must not keep the process from ending.

    Attributes:
        ended: why it is over, once the source is closed; None until then.

    Args:
        name: the source as it may be printed.
        opener: opens the source.
        clock: gives the moment of a frame's arrival.
        bell: is rung when a frame has come and when the feed is over; held while the slot is read and written,
            so that moments given under it never run backwards.
    """

    def __init__(self, name: str, opener: Opener, clock: Clock, bell: threading.Condition) -> None:
        self.ended: Exception | None = None
        self._name = name
        self._opener = opener
        self._clock = clock
        self._bell = bell
        self._slot: Tick | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"capture {name}", daemon=True)
        self._thread.start()

    @property
    def news(self) -> bool:
        """Whether a frame waits in the slot, or none will come any more."""
        return self._slot is not None or self.ended is not None

    def take(self) -> Tick | None:
        """Return the latest frame that has not been taken yet; to be called with the bell held."""
        tick, self._slot = self._slot, None
        return tick

    def stop(self) -> None:
        """Ask the thread to end after what it reads now."""
        self._stopped.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the thread's end."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        ended: Exception = CameraError(f"{self._name}: it was closed")
        try:
            self._pump()
        except Exception as error:  # noqa: BLE001 - handed to the thread that iterates, which raises what is a bug
            ended = error
        with self._bell:
            self.ended = ended
            self._bell.notify_all()

    def _pump(self) -> None:
        source = self._opener()
        try:
            while not self._stopped.is_set():
                frame = source.read()
                if frame is None:
                    raise CameraError(f"{self._name}: it sends no more frames: check that it is on and connected")
                with self._bell:
                    self._slot = Tick(self._clock.now(), frame)
                    self._bell.notify_all()
        finally:
            source.close()
