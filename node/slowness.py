"""How long frames take -> whether the node is much slower than in its own first minutes. Pure.

The rules:

1. Like is compared with like: a frame in which nobody is in view with others of that kind, one in which two faces went
   through the network with others of that kind. Frames that were not searched do not count.
2. What is usual for a kind is the median of its first `FIRST_S`, and of at least `LEAST_FIRST` frames.
3. The node is slow once the median of a kind over the last `RECENT_S` is at least `SLOW` times the usual one. It
   remains slow until the median of every kind is below `RECOVERED` times the usual one.
4. A kind with fewer than `LEAST_RECENT` recent frames says nothing. Where none says anything, the node is not slow.
"""

from collections import deque
from dataclasses import dataclass, field
from statistics import median

FIRST_S = 300.0
"""Seconds from the first frame of a kind over which the usual latency is measured."""

RECENT_S = 180.0
"""Seconds over which the present latency is measured: a backup or an update that takes a minute is no news."""

LEAST_FIRST, LEAST_RECENT = 60, 30

SLOW, RECOVERED = 2.0, 1.5
"""Ratios to the usual latency. They lie apart, so that a node between them does not keep changing its mind."""

_EVERY_S = 0.5
"""Least seconds between two frames of a kind that are kept: enough for a median, and little memory at any rate."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a frame's latency depends on.

    Attributes:
        anyone: whether somebody is in view.
        looks: faces that were looked at.
    """

    anyone: bool = False
    looks: int = 0


NOBODY = Kind()
"""Frames in which nobody is in view."""


@dataclass(slots=True, eq=False)
class _Latency:
    """The latency of the frames of one kind."""

    began_s: float
    first_ms: list[float] = field(default_factory=list)
    usual_ms: float | None = None
    recent: deque[tuple[float, float]] = field(default_factory=deque)
    """Seconds and milliseconds of each."""

    def add(self, now_s: float, took_ms: float) -> None:
        if self.recent and now_s - self.recent[-1][0] < _EVERY_S:
            return
        self.recent.append((now_s, took_ms))
        self._drop_old(now_s)
        if self.usual_ms is None:
            self.first_ms.append(took_ms)
            if now_s - self.began_s >= FIRST_S and len(self.first_ms) >= LEAST_FIRST:
                self.usual_ms = median(self.first_ms)
                self.first_ms.clear()

    def ratio(self, now_s: float) -> float | None:
        """Return the present latency divided by the usual one; None if either is not known."""
        self._drop_old(now_s)
        if not self.usual_ms or len(self.recent) < LEAST_RECENT:
            return None
        return median(took_ms for _, took_ms in self.recent) / self.usual_ms

    def _drop_old(self, now_s: float) -> None:
        while self.recent and now_s - self.recent[0][0] > RECENT_S:
            self.recent.popleft()


class Slowness:
    """Compares the latency of frames with what was usual at first."""

    def __init__(self) -> None:
        self._kinds: dict[Kind, _Latency] = {}
        self._slow = False

    def add(self, now_s: float, took_ms: float, kind: Kind) -> None:
        """Count a searched frame.

        Args:
            now_s: monotonic time.
            took_ms: how long it took to become events, milliseconds.
            kind: what that depends on.
        """
        self._kinds.setdefault(kind, _Latency(now_s)).add(now_s, took_ms)

    def slow(self, now_s: float) -> bool:
        """Return whether the node is much slower than in its first minutes."""
        bound = RECOVERED if self._slow else SLOW
        self._slow = any((ratio := each.ratio(now_s)) is not None and ratio >= bound for each in self._kinds.values())
        return self._slow
