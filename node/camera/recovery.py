"""When frames came and openings failed -> whether a live camera is lost, opened again, or given up.

Pure: the moments are handed in. The rules:

- Without a frame for `stall_s` the camera is lost, until a frame comes.
- An opening that failed, broke off, or gave no frame for `stall_s` is followed by another, after 1, 2, 4 ... 30 s.
- An opening that gave no frame at all counts as failed; the first frame sets the count back.
- A camera is given up when it is lost and `restart_after` openings in a row have failed: both, so that a setting
  of a long `stall_s` is not cut short.
"""

from enum import Enum, auto

from node.domain import CameraState

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 30.0


class Verdict(Enum):
    """What to do now."""

    WAIT = auto()
    OPEN = auto()
    STALLED = auto()
    GIVE_UP = auto()


class Recovery:
    """The state of a live camera.

    Args:
        stall_s: seconds without a frame after which it is lost.
        restart_after: openings that may fail in a row.
    """

    def __init__(self, stall_s: float, restart_after: int) -> None:
        self.state = CameraState.OK
        self.failures = 0
        self._stall_s = stall_s
        self._restart_after = restart_after
        self._heard_s = 0.0
        self._due_s = 0.0
        self._opened_s: float | None = None
        self._fruitful = False

    @property
    def running(self) -> bool:
        """Whether an opening is under way or gives frames."""
        return self._opened_s is not None

    def silent_s(self, at_s: float) -> float:
        """Return the seconds since the last frame, or since the beginning."""
        return at_s - self._heard_s

    def begin(self, at_s: float) -> None:
        """Note when the camera was first asked for: seconds of the monotonic clock, as all moments here."""
        self._heard_s = self._due_s = at_s

    def opened(self, at_s: float) -> None:
        """Note that an opening began."""
        self._opened_s = at_s
        self._fruitful = False

    def frame(self, at_s: float) -> None:
        """Note that a frame came."""
        self.state = CameraState.OK
        self.failures = 0
        self._heard_s = at_s
        self._fruitful = True

    def failed(self, at_s: float) -> None:
        """Note that the present opening failed or broke off."""
        self._opened_s = None
        if not self._fruitful:
            self.failures += 1
        self._due_s = at_s + min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** max(0, self.failures - 1))

    def judge(self, at_s: float) -> Verdict:
        """Return what to do at this moment; `failed` is expected after STALLED, `opened` after OPEN."""
        if self.silent_s(at_s) >= self._stall_s:
            self.state = CameraState.LOST
        if self._opened_s is not None:
            stalled = at_s - max(self._opened_s, self._heard_s) >= self._stall_s
            return Verdict.STALLED if stalled else Verdict.WAIT
        if self.state is CameraState.LOST and self.failures >= self._restart_after:
            return Verdict.GIVE_UP
        return Verdict.OPEN if at_s >= self._due_s else Verdict.WAIT
