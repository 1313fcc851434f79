"""A live source that may stall, fail and recover -> ticks without end."""

import logging
import threading
from collections.abc import Iterator

from node.camera.camera import Camera
from node.camera.capture_thread import CaptureThread, Opener
from node.camera.outage_log import OutageLog
from node.camera.recovery import Action, Recovery
from node.clock import Clock
from node.domain import CameraState, Instant, Tick, counted
from node.errors import CameraError
from node.settings import CameraSettings

_log = logging.getLogger(__name__)

_JOIN_S = 5.0  # longer than one read of a working camera; a driver that hangs is left to its daemon thread


class LiveCamera(Camera):
    """A camera in real time: the latest frame, or no frame after `tick_s`.

    Args:
        name: the source for printing.
        opener: opens the source, repeatedly if needed, always on the capture thread.
        clock: gives every moment.
        settings: when the camera counts as lost, and when it is given up.
        keeps_state: whether the driver keeps the state of a camera in the process, so that any failure may need a new
            process. With other drivers only one that hangs does: what is closed can be opened anew.
        tick_s: most seconds between two ticks.
    """

    def __init__(  # noqa: PLR0913 - a driver names all it depends on, and tests shorten the ticks
        self,
        name: str,
        opener: Opener,
        clock: Clock,
        settings: CameraSettings,
        *,
        keeps_state: bool = False,
        tick_s: float = 1.0,
    ) -> None:
        self._name = name
        self._opener = opener
        self._clock = clock
        self._stall_s = settings.stall_s
        self._keeps_state = keeps_state
        self._tick_s = tick_s
        self._recovery = Recovery(settings.stall_s, settings.restart_after)
        self._outage_log = OutageLog(name)
        self._condition = threading.Condition()
        self._thread: CaptureThread | None = None
        self._error: CameraError | None = None
        self._flaw_logged = False
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
        """`lost` until a frame comes, and without one for `camera.stall_s`."""
        return self._recovery.state

    @property
    def outage(self) -> bool | None:
        """Whether no frame has come for `camera.stall_s`; None if none has come at all, but for less than that."""
        return self._recovery.outage

    @property
    def problem(self) -> str | None:
        """Why the source was last reopened; None once a frame has come."""
        return str(self._error) if self._error else None

    def __iter__(self) -> Iterator[Tick]:
        """Yield a tick with the latest frame, or one without a frame after `tick_s`.

        Raises:
            CameraError: the camera is lost, and after `camera.restart_after` attempts only a new process may help.
        """
        self._recovery.begin(self._clock.now().mono_s)
        while (tick := self._next()) is not None:
            yield tick

    def close(self) -> None:
        """End the iteration and the capture thread; may be called from another thread."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
        self._stop()
        if self._thread:
            self._thread.join(_JOIN_S)

    def _next(self) -> Tick | None:
        """Wait for the next tick; None once the camera is closed."""
        with self._condition:
            ready = self._ready()
        if not ready:
            # With a frame in the slot it was the reader that was slow, and nothing has stalled.
            self._recover(self._clock.now())
        with self._condition:
            self._condition.wait_for(self._ready, self._tick_s)
            thread = self._thread if self._recovery.running else None  # ignore a thread that was given up
            tick = (thread.take() if thread else None) or Tick(self._clock.now(), None)
            closed, ended = self._closed, thread.ended if thread else None
            dropped = thread.flaw if thread else None
        if closed:
            self._stop()
            return None
        self._log_flaw(dropped)
        if tick.frame:
            self._frame_arrived(tick.at)
        elif ended:
            self._failed(ended, tick.at, stuck=self._keeps_state)
        return tick

    def _ready(self) -> bool:
        return self._closed or (self._recovery.running and self._thread is not None and self._thread.ready)

    def _stop(self) -> None:
        if self._thread:
            self._thread.stop()

    def _recover(self, at: Instant) -> None:
        """Open, stop or give up the source, whichever is due."""
        known = self._recovery.outage
        action = self._recovery.next_action(at.mono_s)
        if self._recovery.outage and not known:
            self._outage_log.lost(self._recovery.silent_s(at.mono_s), self._error)
        if action is Action.GIVE_UP:
            attempts = counted(self._recovery.stuck, "attempt")
            raise CameraError(f"{self._error}; given up after {attempts}") from self._error
        if action is Action.OPEN:
            self._open(at)
        if action is Action.STALLED:
            self._stop()
            wrong = self._thread.flaw if self._thread else None
            why = f"gives {wrong}" if wrong else f"no frame for {self._stall_s:g} s"
            error = CameraError(f"{self._name}: {why}: check that it is on and connected")
            self._failed(error, at, stuck=self._keeps_state)

    def _open(self, at: Instant) -> None:
        self._recovery.opened(at.mono_s)
        if self._thread and not self._thread.ended:
            # A device cannot be opened twice, and only a new process helps a driver that hangs.
            error = CameraError(f"{self._name}: its driver hangs: unplug the camera, or switch it off and on")
            self._failed(error, at, stuck=True)
            return
        self._thread = CaptureThread(self._name, self._opener, self._clock, self._condition)

    def _frame_arrived(self, at: Instant) -> None:
        self._outage_log.recovered(self._recovery.silent_s(at.mono_s), first=not self._recovery.had_frame)
        self._error = None
        self._recovery.frame(at.mono_s)

    def _log_flaw(self, flaw: str | None) -> None:
        """Log why frames are dropped, once: a camera may do so with every second frame."""
        if flaw and not self._flaw_logged:
            _log.warning("%s: gives %s: not used", self._name, flaw)
            self._flaw_logged = True

    def _failed(self, error: Exception, at: Instant, *, stuck: bool) -> None:
        """Record a failure.

        Raises:
            Exception: the error is not a CameraError, so it is a bug.
        """
        if not isinstance(error, CameraError):
            raise error
        if self._error is None:
            self._outage_log.broke_off(error, at.mono_s)
        self._error = error
        self._recovery.failed(at.mono_s, stuck=stuck)
