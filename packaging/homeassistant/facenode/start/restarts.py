"""How a program ended -> when it is started again."""

from enum import Enum

BAD_SETTINGS = 78
_FIRST_S, _LONGEST_S = 2.0, 60.0
_STEADY_S = 120.0
"""Seconds after which a program that runs counts as well again."""


class Outcome(Enum):
    """What follows from the end of a program."""

    AGAIN = "again"
    OVER = "over"


class Restarts:
    """The pauses before the starts of one program: they double from 2 s to a minute, and begin anew once it runs well.

    Args:
        lasting: whether the program never ends well by itself; of one that does, such as a node at the end of its clip,
            that is the end.
    """

    def __init__(self, *, lasting: bool) -> None:
        self._lasting = lasting
        self._pause_s = _FIRST_S

    def after(self, code: int, ran_s: float) -> tuple[Outcome, float]:
        """Return what follows, and the seconds until then.

        Args:
            code: the exit code; negative for a signal.
            ran_s: seconds for which the program ran.
        """
        if code == BAD_SETTINGS or (code == 0 and not self._lasting):
            return Outcome.OVER, 0.0
        if ran_s >= _STEADY_S:
            self._pause_s = _FIRST_S
        pause_s, self._pause_s = self._pause_s, min(2 * self._pause_s, _LONGEST_S)
        return Outcome.AGAIN, pause_s
