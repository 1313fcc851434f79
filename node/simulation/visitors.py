"""Random numbers and the time -> the visitors of a simulated node, and so its events and who is in view.

People come in visits: mostly alone, sometimes two or four at once, whose events then are a burst. Each arrival is one
event, each departure is one, and one visitor in ten causes a `changed` event; the rate counts all of these.
"""

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass

from node.domain import Box, Classification, Event, EventType, Instant, Match, Presence

_GROUP_SIZES, _GROUP_WEIGHTS = (1, 2, 4), (7, 2, 1)
_CHANGED_SHARE = 0.1
_STAY_S = (3.0, 20.0)
_PEOPLE = ("ada", "ben", "cleo", "dora")
_STRANGER_SHARE = 0.4
_AGES = ("young", "middle", "old")

EVENTS_PER_VISIT = (1 * 7 + 2 * 2 + 4 * 1) / 10 * (2 + _CHANGED_SHARE)
"""The average."""


@dataclass(frozen=True, slots=True)
class _Visitor:
    track: int
    person: str | None
    box: Box
    since: Instant


class Visitors:
    """Simulate the visitors of one node. Not thread-safe; the caller passes in the monotonic clock.

    Args:
        rng: the random numbers.
        events_per_hour: the average number of events.
    """

    def __init__(self, rng: random.Random, events_per_hour: float) -> None:
        self._rng = rng
        self._visits_per_s = events_per_hour / 3600 / EVENTS_PER_VISIT
        self._tracks = 0
        self._in_view: dict[int, _Visitor] = {}
        self._due: list[tuple[float, int, EventType]] = []
        self._next_visit_s = float("inf")

    @property
    def next_s(self) -> float:
        """When the next event happens."""
        return min(self._next_visit_s, self._due[0][0] if self._due else float("inf"))

    @property
    def present(self) -> tuple[Presence, ...]:
        """The known people in view."""
        return tuple(Presence(each.person, each.since) for each in self._in_view.values() if each.person)

    @property
    def count(self) -> int:
        """The number of people in view."""
        return len(self._in_view)

    def start(self, now_s: float) -> None:
        """Let visitors come from now on."""
        self._next_visit_s = now_s + self._visit_gap_s()

    def stop(self) -> None:
        """Let no more visitors come, and remove those in view without an event."""
        self._next_visit_s = float("inf")
        self._due.clear()
        self._in_view.clear()

    def advance(self, at: Instant) -> Sequence[Event]:
        """Return the events up to this moment, in order."""
        events: list[Event] = []
        while self.next_s <= at.mono_s:
            if self._next_visit_s <= at.mono_s:
                self._next_visit_s += self._visit_gap_s()
                events += self._arrive(at)
                continue
            _, track, kind = heapq.heappop(self._due)
            events.append(self._change_or_leave(track, kind, at))
        return events

    def _visit_gap_s(self) -> float:
        return self._rng.expovariate(self._visits_per_s) if self._visits_per_s else float("inf")

    def _arrive(self, at: Instant) -> list[Event]:
        events = []
        for _ in range(self._rng.choices(_GROUP_SIZES, _GROUP_WEIGHTS)[0]):
            self._tracks += 1
            stranger = self._rng.random() < _STRANGER_SHARE
            person = None if stranger else self._rng.choice(_PEOPLE)
            size = self._rng.uniform(0.1, 0.3)
            box = Box(self._rng.uniform(0, 1 - size), self._rng.uniform(0, 1 - size), size, size)
            visitor = self._in_view[self._tracks] = _Visitor(self._tracks, person, box, at)
            stay_s = self._rng.uniform(*_STAY_S)
            heapq.heappush(self._due, (at.mono_s + stay_s, self._tracks, EventType.LEFT))
            if self._rng.random() < _CHANGED_SHARE:
                heapq.heappush(self._due, (at.mono_s + stay_s / 2, self._tracks, EventType.CHANGED))
            events.append(self._event(EventType.UNKNOWN if stranger else EventType.RECOGNIZED, visitor, at))
        return events

    def _change_or_leave(self, track: int, kind: EventType, at: Instant) -> Event:
        visitor = self._in_view[track]
        if kind is EventType.LEFT:
            del self._in_view[track]
            return self._event(kind, visitor, at)
        was = visitor.person or "unknown"
        other = self._rng.choice([person for person in _PEOPLE if person != visitor.person])
        self._in_view[track] = changed = _Visitor(track, other, visitor.box, visitor.since)
        return self._event(kind, changed, at, was)

    def _event(self, kind: EventType, visitor: _Visitor, at: Instant, was: str | None = None) -> Event:
        left = kind is EventType.LEFT
        return Event(
            type=kind,
            at=at,
            track=visitor.track,
            box=visitor.box,
            person=Match(visitor.person, self._rng.uniform(0.4, 0.9)) if visitor.person else None,
            was=was,
            age=None if left else Classification(self._rng.choice(_AGES), self._rng.uniform(0.5, 1.0)),
            seen_s=at.mono_s - visitor.since.mono_s if left else None,
        )
