"""How attempts to connect went -> how long to wait before the next."""

from collections.abc import Callable
from dataclasses import dataclass

from node.mqtt import reason_codes

_GROWTH, _STEPS, _LEAST = 1.5, 40, 0.3


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds.

    Attributes:
        first_s: the first pause after a failed attempt, at most; grows by half each time, up to `most_s`.
        most_s: the longest pause.
        steady_s: a connection that lasts less counts as a failed attempt.
        ack_s: how long the broker may leave a publish without an answer.
        birth_s: discovery is sent again within this time after Home Assistant's birth.
        again_s: what else is retained is sent again this long after that.
    """

    first_s: float = 3.0
    most_s: float = 30.0
    steady_s: float = 10.0
    ack_s: float = 15.0
    birth_s: float = 10.0
    again_s: float = 5.0

    def pause(self, failed: int, chance: float) -> float:
        """Return the pause after `failed` attempts in a row; `chance` (0..1) spreads it over all but its first third.

        All nodes of a broker lose it in the same moment, and must not all come back in the same second. Tried on 2,000
        of them: a first second that doubles, spread over its upper half, makes 2,000 attempts in the busiest second;
        these figures make half as many, and the last node is back no later.
        """
        longest_s = min(self.most_s, self.first_s * _GROWTH ** (min(failed, _STEPS) - 1))
        return longest_s * (_LEAST + (1 - _LEAST) * chance)

    def steady(self, lasted_s: float) -> bool:
        """Return whether a connection that lasted so long was one."""
        return lasted_s >= self.steady_s


class Backoff:
    """Count failed attempts in a row.

    Args:
        pace: how patient it is.
        chance: random numbers 0..1.
    """

    def __init__(self, pace: Pace, chance: Callable[[], float]) -> None:
        self._pace, self._chance = pace, chance
        self._failed = 0

    def pause_s(self, lasted_s: float, code: int = 0) -> float:
        """Return the pause after an attempt.

        Args:
            lasted_s: from its begin to its end, the life of a connection included.
            code: the reason code of its end. Who is taken over by a client of the same id gives way to it.
        """
        fresh = self._pace.steady(lasted_s) and code != reason_codes.TAKEN_OVER
        self._failed = 1 if fresh else self._failed + 1
        return self._pace.pause(self._failed, self._chance())
