"""When frames came and openings failed -> whether a live camera is lost, reopened, or given up.

Pure: the moments are arguments. The rules:

- A camera is lost until a frame comes, and again once none has come for `stall_s`.
- An outage is on once no frame has come for `stall_s`, and over with the next frame. Before, it is not known whether a
  camera without a first frame is about to give one.
- An opening that failed, broke off, or gave no frame for `stall_s` is followed by another after 1, 2, 4 ... 30 s.
- An opening that gave no frame at all counts as failed; the first frame resets the count.
- A camera is given up, which ends the process, only where a new process may help: its last `restart_after` failures in
  a row were of that kind, and an outage is on. A process without any frame waits for at least ten minutes: it is the
  new process itself.
"""

from enum import Enum, auto

from node.domain import CameraState

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S, _DOUBLINGS = 30.0, 5
_NEW_PROCESS_S = 600.0


class Action(Enum):
    """What to do next."""

    WAIT = auto()
    OPEN = auto()
    STALLED = auto()
    GIVE_UP = auto()


class Recovery:
    """The state of a live camera.

    Attributes:
        state: `lost` until a frame comes, and without one for `stall_s`.
        failures: openings in a row that gave no frame.
        stuck: failures in a row after which a new process may help.
        had_frame: whether any frame has come.

    Args:
        stall_s: seconds without a frame after which an outage is on.
        restart_after: failures in a row, of those after which a new process may help, that end the process.
    """

    def __init__(self, stall_s: float, restart_after: int) -> None:
        self.state = CameraState.LOST
        self.failures = 0
        self.stuck = 0
        self.had_frame = False
        self._silent = False
        self._stall_s = stall_s
        self._restart_after = restart_after
        self._last_frame_s = 0.0
        self._due_s = 0.0
        self._opened_s: float | None = None
        self._gave_frames = False

    @property
    def outage(self) -> bool | None:
        """Whether no frame has come for `stall_s`; None if none has come at all, but for less than that."""
        return None if self.state is CameraState.LOST and not self._silent else self._silent

    @property
    def running(self) -> bool:
        """Whether an opening is in progress or gives frames."""
        return self._opened_s is not None

    def silent_s(self, at_s: float) -> float:
        """Return the seconds since the last frame, or since `begin`."""
        return at_s - self._last_frame_s

    def begin(self, at_s: float) -> None:
        """Record when the camera was first wanted, in seconds of the monotonic clock, as all moments here."""
        self._last_frame_s = self._due_s = at_s

    def opened(self, at_s: float) -> None:
        """Record that an opening began."""
        self._opened_s = at_s
        self._gave_frames = False

    def frame(self, at_s: float) -> None:
        """Record that a frame came."""
        self.state = CameraState.OK
        self._silent = False
        self.failures = self.stuck = 0
        self._last_frame_s = at_s
        self._gave_frames = self.had_frame = True

    def failed(self, at_s: float, *, stuck: bool) -> None:
        """Record that the current opening failed or broke off.

        Args:
            at_s: the moment.
            stuck: whether a new process may help, as when a driver hangs.
        """
        self._opened_s = None
        if not self._gave_frames:
            self.failures += 1
            self.stuck = self.stuck + 1 if stuck else 0
        doublings = min(max(0, self.failures - 1), _DOUBLINGS)  # a camera may be off for days
        self._due_s = at_s + min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2**doublings)

    def next_action(self, at_s: float) -> Action:
        """Return what to do at this moment. Call `failed` after STALLED, and `opened` after OPEN."""
        if self.silent_s(at_s) >= self._stall_s:
            self.state, self._silent = CameraState.LOST, True
        if self._opened_s is not None:
            stalled = at_s - max(self._opened_s, self._last_frame_s) >= self._stall_s
            return Action.STALLED if stalled else Action.WAIT
        if self._silent and self.stuck >= self._restart_after and self._may_end(at_s):
            return Action.GIVE_UP
        return Action.OPEN if at_s >= self._due_s else Action.WAIT

    def _may_end(self, at_s: float) -> bool:
        return self.had_frame or self.silent_s(at_s) >= _NEW_PROCESS_S
