"""Who comes and goes, track by track -> what is reported: each visit once. Pure.

A visit lasts as long as any track shows the visitor. Somebody who returns within `cool_down_s` after their leaving was
reported is not reported again, and neither is their next leaving. If they are still there when the cool-down ends, they
are reported. Two tracks of one person at a time, as when a face is lost and found again, belong to one visit.
"""

from dataclasses import dataclass, field

from node.domain import Instant

Visitor = str | int
"""The id of a person, or the number of a stranger."""


@dataclass(slots=True, eq=False)
class _Visit:
    """The stay of one visitor."""

    since: Instant
    reported: bool = False
    tracks: set[int] = field(default_factory=set)
    left: Instant | None = None
    """When their leaving was last reported."""
    seen: Instant | None = None
    """When their last track ended; None while there is one."""


class Visits:
    """Remembers each visit for as long as it can continue.

    Args:
        cool_down_s: seconds after leaving during which a return is not reported.
    """

    def __init__(self, cool_down_s: float) -> None:
        self._cool_down_s = cool_down_s
        self._visits: dict[Visitor, _Visit] = {}

    def enter(self, visitor: Visitor, track: int, since: Instant, at: Instant, *, always: bool = False) -> bool:
        """Add a track that shows a visitor. Return whether to report it.

        Args:
            visitor: who.
            track: number of the track.
            since: when the track began.
            at: now.
            always: report it also within a visit.
        """
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
        """End a track of a visitor. Return since when they were here if their leaving is to be reported, else None."""
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
        """Return whether a visitor whose return was not reported is still here after the cool-down.

        If so, the visit counts as reported from now on.
        """
        visit = self._visits.get(visitor)
        if visit is None or visit.reported or not visit.tracks or visit.left is None:
            return False
        visit.reported = at.mono_s - visit.left.mono_s >= self._cool_down_s
        return visit.reported

    def abandon(self, visitor: Visitor, track: int) -> None:
        """Remove a track from a visitor whom it never showed; without another track there was no visit."""
        visit = self._visits.get(visitor)
        if visit is not None:
            visit.tracks.discard(track)
            if not visit.tracks:
                del self._visits[visitor]

    def forget(self, visitor: Visitor) -> None:
        """Drop everything about a visitor."""
        self._visits.pop(visitor, None)

    def in_view(self) -> dict[Visitor, Instant]:
        """Return who is in view, and since when."""
        return {visitor: visit.since for visitor, visit in self._visits.items() if visit.tracks}

    def remembered(self, at: Instant) -> frozenset[Visitor]:
        """Return the visitors whose visit continues, or would continue if they returned now."""
        self._expire(at)
        return frozenset(self._visits)

    def _expire(self, at: Instant) -> None:
        self._visits = {
            visitor: visit
            for visitor, visit in self._visits.items()
            if visit.seen is None or at.mono_s - visit.seen.mono_s < self._cool_down_s
        }
