"""A live source that may stall, fail and come back -> ticks without end."""

import logging
import threading
from collections.abc import Iterator

from node.camera.camera import Camera
from node.camera.capture_thread import Feed, Opener
from node.camera.recovery import Recovery, Verdict
from node.clock import Clock
from node.domain import CameraState, Instant, Tick
from node.errors import CameraError
from node.settings import CameraSettings

_log = logging.getLogger(__name__)

_JOIN_S = 5.0  # longer than one read of a camera that works; a driver that hangs is left to its daemon thread


class LiveCamera(Camera):
    """A camera in real time: the latest frame, or after `tick_s` none.

    Args:
        name: the source as it may be printed.
        opener: opens the source, again and again if need be, always on the capture thread.
        clock: gives every moment.
        settings: when the camera is lost, and when given up.
        tick_s: greatest seconds between two ticks.
    """

    def __init__(
        self, name: str, opener: Opener, clock: Clock, settings: CameraSettings, *, tick_s: float = 1.0
    ) -> None:
        self._name = name
        self._opener = opener
        self._clock = clock
        self._stall_s = settings.stall_s
        self._tick_s = tick_s
        self._recovery = Recovery(settings.stall_s, settings.restart_after)
        self._bell = threading.Condition()
        self._feed: Feed | None = None
        self._error: CameraError | None = None
        self._closed = False

    @property
    def name(self) -> str:
        """The source without any password."""
        return self._name

    @property
    def live(self) -> bool:
        """Always True."""
        return True

    @property
    def state(self) -> CameraState:
        """`lost` without a frame for `camera.stall_s`."""
        return self._recovery.state

    @property
    def problem(self) -> str | None:
        """Why the source was last opened again; None once a frame has come."""
        return str(self._error) if self._error else None

    def __iter__(self) -> Iterator[Tick]:
        """Yield a tick for the latest frame, or after `tick_s` one without.

        Raises:
            CameraError: the camera is lost and did not come back in `camera.restart_after` attempts.
        """
        self._recovery.begin(self._clock.now().mono_s)
        while (tick := self._next()) is not None:
            yield tick

    def close(self) -> None:
        """End the iteration, also from another thread, and the capture thread."""
        with self._bell:
            self._closed = True
            self._bell.notify_all()
        self._stop()
        if self._feed:
            self._feed.join(_JOIN_S)

    def _next(self) -> Tick | None:
        """Wait for the next tick; None once the camera is closed."""
        with self._bell:
            news = self._news()
        if not news:
            # A reader that was slow itself finds a frame in the slot: then nothing has stalled.
            self._tend(self._clock.now())
        with self._bell:
            self._bell.wait_for(self._news, self._tick_s)
            feed = self._feed if self._recovery.running else None  # one that has been given up is not listened to
            tick = (feed.take() if feed else None) or Tick(self._clock.now(), None)
            closed, ended = self._closed, feed.ended if feed else None
        if closed:
            self._stop()
            return None
        if tick.frame:
            self._heard(tick.at)
        elif ended:
            self._failed(ended, tick.at)
        return tick

    def _news(self) -> bool:
        return self._closed or (self._recovery.running and self._feed is not None and self._feed.news)

    def _stop(self) -> None:
        if self._feed:
            self._feed.stop()

    def _tend(self, at: Instant) -> None:
        """Open, stop or give up, whichever is due."""
        before = self._recovery.state
        verdict = self._recovery.judge(at.mono_s)
        if self._recovery.state is not before:
            _log.error("%s: camera lost: no frame for %.0f s", self._name, self._recovery.silent_s(at.mono_s))
        if verdict is Verdict.GIVE_UP:
            raise CameraError(f"{self._error}; given up after {self._recovery.failures} attempts") from self._error
        if verdict is Verdict.OPEN:
            self._open(at)
        if verdict is Verdict.STALLED:
            self._stop()
            self._failed(
                CameraError(f"{self._name}: no frame for {self._stall_s:g} s: check that it is on and connected"), at
            )

    def _open(self, at: Instant) -> None:
        self._recovery.opened(at.mono_s)
        if self._feed and not self._feed.ended:
            # No device can be opened twice, and a driver that hangs is helped by a new process alone.
            self._failed(CameraError(f"{self._name}: its driver hangs: unplug it, or switch it off and on"), at)
            return
        self._feed = Feed(self._name, self._opener, self._clock, self._bell)

    def _heard(self, at: Instant) -> None:
        if self._error:
            _log.info("%s: frames again after %.1f s", self._name, self._recovery.silent_s(at.mono_s))
        self._error = None
        self._recovery.frame(at.mono_s)

    def _failed(self, error: Exception, at: Instant) -> None:
        """Note a failure and log the first one since the last frame.

        Raises:
            Exception: the error is none of the camera's, so a bug.
        """
        if not isinstance(error, CameraError):
            raise error
        if self._error is None:
            _log.warning("%s; it is opened again", error)
        self._error = error
        self._recovery.failed(at.mono_s)
