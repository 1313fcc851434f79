"""Who comes and goes, track by track -> which of it is worth telling: a visit is reported once. Pure.

A visit of somebody lasts as long as any track shows them. Who comes back within `cool_down_s` after leaving was reported is
not reported again, nor is the leaving after it; who is still there when that time is over is. Two tracks of one person at
a time, as when a face is lost and found again, are one visit.
"""

from dataclasses import dataclass, field

from node.domain import Instant

Visitor = str | int
"""The id of a person, or the number of a stranger."""


@dataclass(slots=True, eq=False)
class _Visit:
    """One visitor's stay."""

    since: Instant
    reported: bool = False
    tracks: set[int] = field(default_factory=set)
    left: Instant | None = None
    """When leaving was last reported."""
    seen: Instant | None = None
    """When the last track ended; None while there is one."""


class Visits:
    """Remembers visits for as long as they can go on.

    Args:
        cool_down_s: seconds after leaving for which somebody who is back is not reported again.
    """

    def __init__(self, cool_down_s: float) -> None:
        self._cool_down_s = cool_down_s
        self._visits: dict[Visitor, _Visit] = {}

    def enter(self, visitor: Visitor, track: int, since: Instant, at: Instant, *, always: bool = False) -> bool:
        """Take in that a track shows somebody; return whether that is to be reported, as it is `always` where asked."""
        self._expire(at)
        visit = self._visits.get(visitor)
        report = always or visit is None
        if visit is None:
            visit = self._visits[visitor] = _Visit(since)
        visit.reported = visit.reported or report
        visit.tracks.add(track)
        visit.seen = None
        return report

    def leave(self, visitor: Visitor, track: int, at: Instant) -> Instant | None:
        """Take in that a track of somebody has ended; return since when they were here if leaving is to be reported."""
        visit = self._visits.get(visitor)
        if visit is None:
            return None
        visit.tracks.discard(track)
        if visit.tracks:
            return None
        visit.seen = at
        if not visit.reported:
            return None
        visit.reported, visit.left = False, at
        return visit.since

    def overdue(self, visitor: Visitor, at: Instant) -> bool:
        """Return whether somebody who came back untold is still here after the cool-down; from then on it is reported."""
        visit = self._visits.get(visitor)
        if visit is None or visit.reported or not visit.tracks or visit.left is None:
            return False
        visit.reported = at.mono_s - visit.left.mono_s >= self._cool_down_s
        return visit.reported

    def abandon(self, visitor: Visitor, track: int) -> None:
        """Take a track off somebody whom it never showed; without another track there was no visit."""
        visit = self._visits.get(visitor)
        if visit is not None:
            visit.tracks.discard(track)
            if not visit.tracks:
                del self._visits[visitor]

    def forget(self, visitor: Visitor) -> None:
        """Keep nothing of somebody."""
        self._visits.pop(visitor, None)

    def in_view(self) -> dict[Visitor, Instant]:
        """Return who is in view, and since when."""
        return {visitor: visit.since for visitor, visit in self._visits.items() if visit.tracks}

    def remembered(self, at: Instant) -> frozenset[Visitor]:
        """Return whose visits go on."""
        self._expire(at)
        return frozenset(self._visits)

    def _expire(self, at: Instant) -> None:
        self._visits = {
            visitor: visit
            for visitor, visit in self._visits.items()
            if visit.seen is None or at.mono_s - visit.seen.mono_s < self._cool_down_s
        }
