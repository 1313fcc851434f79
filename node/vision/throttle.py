"""The processor's temperature -> which frames are processed: all, or every other one while it is too hot."""

import logging
from collections.abc import Callable

from node.domain import Instant

_log = logging.getLogger(__name__)

_HYSTERESIS_C = 5.0
"""Degrees Celsius below the limit at which throttling ends: at the limit itself it would keep switching."""

_READ_EVERY_S = 2.0
"""Seconds between two readings: a processor takes longer to heat up."""


class Throttle:
    """Skips frames while the processor is too hot.

    Args:
        max_cpu_c: degrees Celsius above which every other frame is skipped.
        cpu_c: returns the temperature in degrees Celsius; None if it is not known.
    """

    def __init__(self, max_cpu_c: float, cpu_c: Callable[[], float | None]) -> None:
        self._max_cpu_c = max_cpu_c
        self._cpu_c = cpu_c
        self._read_s = float("-inf")
        self._hot = False
        self._skipped = False

    def skips(self, at: Instant) -> bool:
        """Return whether to skip the frame of this moment. Call it once per frame."""
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
                "the processor is at %.0f °C, above health.max_cpu_c: "
                "skipping every other frame until it is below %.0f °C",
                cpu_c,
                cool_c,
            )
        elif self._hot and cpu_c < cool_c:
            self._hot = False
            _log.info("the processor has cooled down to %.0f °C: processing every frame again", cpu_c)
