"""Breaks and outages of a live camera -> log lines: each outage and its end once, and few of many short breaks."""

import logging

from node.domain import counted

_log = logging.getLogger(__name__)

_QUIET_S = 600.0


class OutageLog:
    """Log what a live camera does.

    A camera that breaks off and is back before it counts as lost has not changed its state. One that does so again and
    again is logged once in ten minutes, with how often it happened.

    Args:
        name: the source for printing.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._logged_s = float("-inf")
        self._unlogged = 0
        self._open = False

    def broke_off(self, error: Exception, at_s: float) -> None:
        """Log the first failure since the last frame, unless one was logged within the last ten minutes."""
        if at_s - self._logged_s < _QUIET_S:
            self._unlogged += 1
            return
        before = f" ({counted(self._unlogged, 'more break')} since the last such line)" if self._unlogged else ""
        _log.warning("%s; reopening it%s", error, before)
        self._logged_s, self._unlogged, self._open = at_s, 0, True

    def lost(self, silent_s: float, error: Exception | None) -> None:
        """Log that an outage is on, and why if no line has said so."""
        why = "" if self._open or error is None else f": {error}"
        _log.error("%s: camera lost: no frame for %.0f s%s", self._name, silent_s, why)
        self._open = True

    def recovered(self, silent_s: float, *, first: bool) -> None:
        """Log that frames come, if a line has said that they do not."""
        if self._open:
            _log.info("%s: %s after %.1f s", self._name, "first frame" if first else "frames again", silent_s)
        self._open = False
