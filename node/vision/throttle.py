"""The processor's temperature -> which frames are looked at: all, or, while it is too hot, every other one."""

import logging
from collections.abc import Callable

from node.domain import Instant

_log = logging.getLogger(__name__)

_HYSTERESIS_C = 5.0
"""Degrees below the limit at which it is over: at the limit itself the node would go to and fro."""

_READ_EVERY_S = 2.0
"""Seconds between two readings: a processor takes longer to heat up."""


class Throttle:
    """Spares a processor that is too hot.

    Args:
        max_cpu_c: degrees Celsius above which half of the frames are looked at.
        cpu_c: returns the temperature, None where the board does not tell.
    """

    def __init__(self, max_cpu_c: float, cpu_c: Callable[[], float | None]) -> None:
        self._max_cpu_c = max_cpu_c
        self._cpu_c = cpu_c
        self._read_s = float("-inf")
        self._hot = False
        self._skipped = False

    def skips(self, at: Instant) -> bool:
        """Return whether the frame of this moment is left out; to be asked once a frame."""
        if at.mono_s - self._read_s >= _READ_EVERY_S:
            self._read_s = at.mono_s
            self._update()
        self._skipped = self._hot and not self._skipped
        return self._skipped

    def _update(self) -> None:
        cpu_c = self._cpu_c()
        cool_c = self._max_cpu_c - _HYSTERESIS_C
        if cpu_c is None:
            return
        if not self._hot and cpu_c > self._max_cpu_c:
            self._hot = True
            _log.warning(
                "the processor is at %.0f °C, above health.max_cpu_c: every other frame is looked at until %.0f °C",
                cpu_c,
                cool_c,
            )
        elif self._hot and cpu_c < cool_c:
            self._hot = False
            _log.info("the processor has cooled down to %.0f °C: every frame is looked at again", cpu_c)
