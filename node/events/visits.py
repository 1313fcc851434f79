"""Who comes and goes, track by track -> what is reported: each visit once. Pure.

A visit lasts as long as any track shows the visitor. Somebody who returns within `cool_down_s` after their leaving was
reported is not reported again, and neither is their next leaving. If they are still there when the cool-down ends, they
are reported. Two tracks of one person at a time, as when a face is lost and found again, belong to one visit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from node.domain import Instant
from node.events.durations import LastFace, VisitRecord

Visitor = str | int
"""The id of a person, or the number of a stranger."""


@dataclass(slots=True, eq=False)
class Visit:
    """The stay of one visitor."""

    since: Instant
    reported: bool = False
    tracks: set[int] = field(default_factory=set)
    left: Instant | None = None
    """When their leaving was last reported."""
    gone: Instant | None = None
    """When their last track ended; None while there is one, or while they are expected."""
    expected: bool = False
    """Whether they were in view before a restart, and are expected to be found again."""


class Visits:
    """Remembers each visit for as long as it can continue.

    Args:
        cool_down_s: seconds after leaving during which a return is not reported.
    """

    def __init__(self, cool_down_s: float) -> None:
        self._cool_down_s = cool_down_s
        self._visits: dict[Visitor, Visit] = {}

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
            visit = self._visits[visitor] = Visit(since)
        visit.reported = visit.reported or report
        visit.tracks.add(track)
        visit.gone, visit.expected = None, False
        return report

    def resume(self, visitor: Visitor, record: VisitRecord) -> None:
        """Take over a visit from before a restart."""
        in_view = record.face is not None
        self._visits[visitor] = Visit(
            record.since, record.reported, left=record.left, gone=record.gone, expected=in_view
        )

    def leave(self, visitor: Visitor, track: int, at: Instant) -> Instant | None:
        """End a track of a visitor. Return since when they were here if their leaving is to be reported, else None."""
        visit = self._visits.get(visitor)
        if visit is None:
            return None
        visit.tracks.discard(track)
        return None if visit.tracks else self._end(visit, at)

    def miss(self, visitor: Visitor, left: Instant) -> Instant | None:
        """End the visit of somebody expected after a restart, at the moment they left. Return the same as `leave`."""
        visit = self._visits.get(visitor)
        if visit is None or not visit.expected:
            return None
        visit.expected = False
        return self._end(visit, left)

    def _end(self, visit: Visit, at: Instant) -> Instant | None:
        visit.gone = at
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

    def since(self, visitor: Visitor) -> Instant | None:
        """Return when the visit of a visitor began; None without one."""
        visit = self._visits.get(visitor)
        return visit.since if visit else None

    def in_view(self) -> dict[Visitor, Instant]:
        """Return who is in view, and since when."""
        return {visitor: visit.since for visitor, visit in self._visits.items() if visit.tracks}

    def expected(self) -> dict[Visitor, Instant]:
        """Return who was in view before a restart and is expected to be found again, and since when."""
        return {visitor: visit.since for visitor, visit in self._visits.items() if visit.expected}

    def remembered(self, at: Instant) -> frozenset[Visitor]:
        """Return the visitors whose visit continues, or would continue if they returned now."""
        self._expire(at)
        return frozenset(self._visits)

    def records(self, at: Instant, faces: Mapping[Visitor, LastFace]) -> tuple[VisitRecord, ...]:
        """Return these visits as they are kept over a restart, without strangers who are out of view.

        Args:
            at: now.
            faces: how everybody in view was last seen.
        """
        self._expire(at)
        return tuple(
            VisitRecord(
                person=visitor if isinstance(visitor, str) else None,
                since=visit.since,
                left=visit.left,
                gone=visit.gone,
                reported=visit.reported,
                face=faces.get(visitor),
                expected=visit.expected,
            )
            for visitor, visit in self._visits.items()
            if visitor in faces or isinstance(visitor, str)
        )

    def _expire(self, at: Instant) -> None:
        self._visits = {
            visitor: visit
            for visitor, visit in self._visits.items()
            if visit.gone is None or at.mono_s - visit.gone.mono_s < self._cool_down_s
        }
