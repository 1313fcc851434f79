"""When frames came and openings failed -> whether a live camera is lost, reopened, or given up.

Pure: the moments are arguments. The rules:

- A camera without a frame for `stall_s` is lost until a frame comes.
- An opening that failed, broke off, or gave no frame for `stall_s` is followed by another after 1, 2, 4 ... 30 s.
- An opening that gave no frame at all counts as failed; the first frame resets the count.
- A camera is given up when it is lost and `restart_after` openings in a row have failed. Both are required, so that a
  long `stall_s` is honored.
"""

from enum import Enum, auto

from node.domain import CameraState

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0


class Action(Enum):
    """What to do next."""

    WAIT = auto()
    OPEN = auto()
    STALLED = auto()
    GIVE_UP = auto()


class Recovery:
    """The state of a live camera.

    Args:
        stall_s: seconds without a frame after which the camera is lost.
        restart_after: openings in a row that may fail.
    """

    def __init__(self, stall_s: float, restart_after: int) -> None:
        self.state = CameraState.OK
        self.failures = 0
        self._stall_s = stall_s
        self._restart_after = restart_after
        self._last_frame_s = 0.0
        self._due_s = 0.0
        self._opened_s: float | None = None
        self._gave_frames = False

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
        self.failures = 0
        self._last_frame_s = at_s
        self._gave_frames = True

    def failed(self, at_s: float) -> None:
        """Record that the current opening failed or broke off."""
        self._opened_s = None
        if not self._gave_frames:
            self.failures += 1
        self._due_s = at_s + min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** max(0, self.failures - 1))

    def next_action(self, at_s: float) -> Action:
        """Return what to do at this moment. Call `failed` after STALLED, and `opened` after OPEN."""
        if self.silent_s(at_s) >= self._stall_s:
            self.state = CameraState.LOST
        if self._opened_s is not None:
            stalled = at_s - max(self._opened_s, self._last_frame_s) >= self._stall_s
            return Action.STALLED if stalled else Action.WAIT
        if self.state is CameraState.LOST and self.failures >= self._restart_after:
            return Action.GIVE_UP
        return Action.OPEN if at_s >= self._due_s else Action.WAIT
