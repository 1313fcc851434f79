"""Who was in view before a restart -> found again, or gone, within the first seconds after it. Pure.

- The first seconds begin with the first frame that is looked at, or without one after `_FIRST_LOOK_S`. They last for
  `events.leave_after_s`, and longer while somebody who is in view since then is undecided.
- A known person is found again when they are recognized. A stranger's face is not kept, so every stranger who is there
  in these seconds counts as one who was there before the restart.
"""

from collections.abc import Iterable, Iterator, Sequence

from node.domain import Event, EventType, Instant, Match, Track
from node.events.durations import LastFace, VisitRecord
from node.events.visits import Visitor, Visits

_FIRST_LOOK_S = 30.0
"""Seconds to wait for the first frame: a network camera may take that long to connect."""

_DECISION_S = 30.0
"""Seconds to wait for a decision about whoever is in view; a poster never gets one."""


class Resumption:
    """Waits for those who were in view before a restart.

    Args:
        visits: takes over the visits from before the restart.
        records: those visits, in the time of this start.
        numbers: gives each stranger a number.
        leave_after_s: seconds out of sight after which somebody has left.
        waits: whether to wait although nobody is expected, since somebody undecided was in view, or a rule holds.
    """

    def __init__(
        self,
        visits: Visits,
        records: Sequence[VisitRecord],
        numbers: Iterator[int],
        leave_after_s: float,
        *,
        waits: bool,
    ) -> None:
        self._visits, self._leave_after_s = visits, leave_after_s
        self._expected: dict[Visitor, tuple[VisitRecord, LastFace]] = {}
        self._began: Instant | None = None
        self._looked: Instant | None = None
        for record in records:
            visitor = record.person or next(numbers)
            visits.resume(visitor, record)
            if record.face is not None:
                self._expected[visitor] = record, record.face
        self.over = not (waits or self._expected)
        """Whether nobody is waited for any more."""

    @property
    def faces(self) -> dict[Visitor, LastFace]:
        """Whoever was not found again so far, as they were last seen."""
        return {visitor: face for visitor, (_, face) in self._expected.items()}

    def update(self, at: Instant, undecided: Iterable[Track], *, looked: bool) -> list[Event]:
        """Return the leaving of whoever was not found again.

        Args:
            at: now.
            undecided: the tracks about which nothing is decided.
            looked: whether a frame was looked at.
        """
        self._began = self._began or at
        if looked and self._looked is None:
            self._looked = at
        self.over = self.over or self._is_over(at, self._began, undecided)
        gone = [visitor for visitor, (record, _) in self._expected.items() if self.over or not record.expected]
        events = (self._leave(at, visitor, *self._expected.pop(visitor)) for visitor in gone)
        return [event for event in events if event is not None]

    def end(self) -> None:
        """Wait no longer."""
        self.over = True

    def found(self, visitor: Visitor) -> None:
        """Wait for somebody no longer, because they are in view, or are erased."""
        self._expected.pop(visitor, None)

    def stranger(self, began: Instant) -> int | None:
        """Return the number of a stranger from before the restart for one whose track began at a moment, if any."""
        if self._looked is None or began.mono_s - self._looked.mono_s > self._leave_after_s:
            return None
        return next((visitor for visitor in self._expected if isinstance(visitor, int)), None)

    def _is_over(self, at: Instant, start: Instant, undecided: Iterable[Track]) -> bool:
        if self._looked is None:
            return at.mono_s - start.mono_s > _FIRST_LOOK_S
        looked_s = self._looked.mono_s
        beyond_s = at.mono_s - looked_s - self._leave_after_s
        if beyond_s <= 0:
            return False
        waiting = any(track.began.mono_s - looked_s <= self._leave_after_s for track in undecided)
        return beyond_s > _DECISION_S or not waiting

    def _leave(self, at: Instant, visitor: Visitor, record: VisitRecord, face: LastFace) -> Event | None:
        since = self._visits.miss(visitor, at if record.expected else face.seen)
        if since is None:
            return None
        return Event(
            type=EventType.LEFT,
            at=at,
            track=face.track,
            box=face.box,
            person=None if record.person is None else Match(record.person, face.score),
            seen_s=max(0.0, face.seen.mono_s - since.mono_s),
        )
