"""The connection attempts so far -> how long to wait before the next one."""

from collections.abc import Callable
from dataclasses import dataclass

from node.mqtt import reason_codes

_GROWTH, _MAX_STEPS, _MIN_SHARE = 1.5, 40, 0.3


@dataclass(frozen=True, slots=True)
class Timing:
    """The publisher's times, in seconds.

    Attributes:
        first_s: the maximum pause after the first failed attempt; grows by half with each attempt, up to `max_s`.
        max_s: the maximum pause.
        stable_s: a connection that lasts less than this counts as a failed attempt.
        ack_s: how long the broker may take to acknowledge a publish.
        birth_s: discovery is sent again within this time after Home Assistant's birth message.
        repeat_s: the other retained messages are sent again this long after that.
    """

    first_s: float = 3.0
    max_s: float = 30.0
    stable_s: float = 10.0
    ack_s: float = 15.0
    birth_s: float = 10.0
    repeat_s: float = 5.0

    def pause(self, failed: int, chance: float) -> float:
        """Return the pause after `failed` attempts in a row; `chance` (0..1) moves it between 30 % and 100 %.

        All nodes lose a broker in the same moment and must not all return in the same second. Measured with 2,000
        nodes: a first pause of one second that doubles, spread over its upper half, makes 2,000 attempts in the
        busiest second. These figures make half as many, and the last node is back no later.
        """
        longest_s = min(self.max_s, self.first_s * _GROWTH ** (min(failed, _MAX_STEPS) - 1))
        return longest_s * (_MIN_SHARE + (1 - _MIN_SHARE) * chance)

    def is_stable(self, lasted_s: float) -> bool:
        """Return whether a connection lasted long enough to count as one."""
        return lasted_s >= self.stable_s


class Backoff:
    """Count failed attempts in a row.

    Args:
        timing: the pauses.
        chance: random numbers 0..1.
    """

    def __init__(self, timing: Timing, chance: Callable[[], float]) -> None:
        self._timing, self._chance = timing, chance
        self._failed = 0

    def pause_s(self, lasted_s: float, code: int = 0) -> float:
        """Return the pause after an attempt.

        Args:
            lasted_s: seconds from the start of the attempt to its end, the life of a connection included.
            code: the reason code of its end. A client taken over by another one with its id backs off.
        """
        restart = self._timing.is_stable(lasted_s) and code != reason_codes.TAKEN_OVER
        self._failed = 1 if restart else self._failed + 1
        return self._timing.pause(self._failed, self._chance())
