"""Privacy mode -> what an owner must not find any more is erased, also if the disk fails at first."""

import logging
from collections.abc import Callable, Sequence

from node.errors import PeopleError

_log = logging.getLogger(__name__)


class PrivacyErasure:
    """Erase faces once when privacy mode begins, or at the start if it is on.

    Args:
        erasures: each erases something; raises OSError or PeopleError if it cannot.
    """

    def __init__(self, erasures: Sequence[Callable[[], None]]) -> None:
        self._erasures = erasures
        self._left = list(erasures)
        self._failed = False

    def update(self, *, private: bool) -> None:
        """Take over whether privacy mode is on. Cheap: call it on every tick; what fails is tried again."""
        if not private:
            self._left = list(self._erasures)
            return
        error = None
        for erase in tuple(self._left):
            try:
                erase()
            except (OSError, PeopleError) as failed:
                error = failed
            else:
                self._left.remove(erase)
        if error is not None and not self._failed:
            _log.error("privacy: not everything is erased yet: %s", error)
        elif error is None and self._failed:
            _log.info("privacy: everything is erased")
        self._failed = error is not None
