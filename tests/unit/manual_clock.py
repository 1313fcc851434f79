"""A clock that stands still until a test moves it."""

from datetime import timedelta

from makers import START

from node.domain import Instant


class ManualClock:
    """A clock that stands still until it is moved; any thread may read it.

    Attributes:
        mono_s: the monotonic time, in seconds; the wall clock runs beside it.
    """

    def __init__(self, mono_s: float = 1000.0) -> None:
        self.mono_s = mono_s

    def now(self) -> Instant:
        """Return the time it was moved to."""
        return Instant(START + timedelta(seconds=self.mono_s), self.mono_s, synced=True)

    def advance(self, by_s: float) -> None:
        """Move it forward."""
        self.mono_s += by_s
