"""Randomness and the time -> who comes by a simulated node, and so its events and who is in view.

People come in visits: alone mostly, now and then two or four at once, whose events then are a burst. Of each arrival
the node tells one event, of one in ten a change of mind, and of each departure one: that is what the rate counts.
"""

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass

from node.domain import Box, Classification, Event, EventType, Instant, Match, Presence

_PARTIES, _PARTY_WEIGHTS = (1, 2, 4), (7, 2, 1)
_CHANGES = 0.1
_STAY_S = (3.0, 20.0)
_PEOPLE = ("ada", "ben", "cleo", "dora")
_STRANGER = 0.4
_AGES = ("young", "middle", "old")

EVENTS_A_VISIT = (1 * 7 + 2 * 2 + 4 * 1) / 10 * (2 + _CHANGES)
"""On average."""


@dataclass(frozen=True, slots=True)
class _Visitor:
    track: int
    person: str | None
    box: Box
    since: Instant


class Visitors:
    """Let people come by one node. Not thread-safe; durations are of the monotonic clock that is passed in.

    Args:
        chance: the randomness.
        events_per_hour: how many events there are on average.
    """

    def __init__(self, chance: random.Random, events_per_hour: float) -> None:
        self._chance = chance
        self._visits_per_s = events_per_hour / 3600 / EVENTS_A_VISIT
        self._tracks = 0
        self._here: dict[int, _Visitor] = {}
        self._due: list[tuple[float, int, EventType]] = []
        self._visit_s = float("inf")

    @property
    def next_s(self) -> float:
        """When something happens next."""
        return min(self._visit_s, self._due[0][0] if self._due else float("inf"))

    @property
    def present(self) -> tuple[Presence, ...]:
        """Who is known and in view."""
        return tuple(Presence(each.person, each.since) for each in self._here.values() if each.person)

    @property
    def count(self) -> int:
        """How many are in view."""
        return len(self._here)

    def open(self, now_s: float) -> None:
        """Let people come from now on."""
        self._visit_s = now_s + self._gap_s()

    def close(self) -> None:
        """Let nobody come any more, and nothing happen to those who are there."""
        self._visit_s = float("inf")
        self._due.clear()
        self._here.clear()

    def happen(self, at: Instant) -> Sequence[Event]:
        """Return what has happened up to now, in order."""
        happened: list[Event] = []
        while self.next_s <= at.mono_s:
            if self._visit_s <= at.mono_s:
                self._visit_s += self._gap_s()
                happened += self._arrive(at)
                continue
            _, track, kind = heapq.heappop(self._due)
            happened.append(self._go_on(track, kind, at))
        return happened

    def _gap_s(self) -> float:
        return self._chance.expovariate(self._visits_per_s) if self._visits_per_s else float("inf")

    def _arrive(self, at: Instant) -> list[Event]:
        happened = []
        for _ in range(self._chance.choices(_PARTIES, _PARTY_WEIGHTS)[0]):
            self._tracks += 1
            stranger = self._chance.random() < _STRANGER
            person = None if stranger else self._chance.choice(_PEOPLE)
            size = self._chance.uniform(0.1, 0.3)
            box = Box(self._chance.uniform(0, 1 - size), self._chance.uniform(0, 1 - size), size, size)
            visitor = self._here[self._tracks] = _Visitor(self._tracks, person, box, at)
            stay_s = self._chance.uniform(*_STAY_S)
            heapq.heappush(self._due, (at.mono_s + stay_s, self._tracks, EventType.LEFT))
            if self._chance.random() < _CHANGES:
                heapq.heappush(self._due, (at.mono_s + stay_s / 2, self._tracks, EventType.CHANGED))
            happened.append(self._event(EventType.UNKNOWN if stranger else EventType.RECOGNIZED, visitor, at))
        return happened

    def _go_on(self, track: int, kind: EventType, at: Instant) -> Event:
        visitor = self._here[track]
        if kind is EventType.LEFT:
            del self._here[track]
            return self._event(kind, visitor, at)
        was = visitor.person or "unknown"
        other = self._chance.choice([person for person in _PEOPLE if person != visitor.person])
        self._here[track] = changed = _Visitor(track, other, visitor.box, visitor.since)
        return self._event(kind, changed, at, was)

    def _event(self, kind: EventType, visitor: _Visitor, at: Instant, was: str | None = None) -> Event:
        left = kind is EventType.LEFT
        return Event(
            type=kind,
            at=at,
            track=visitor.track,
            box=visitor.box,
            person=Match(visitor.person, self._chance.uniform(0.4, 0.9)) if visitor.person else None,
            was=was,
            age=None if left else Classification(self._chance.choice(_AGES), self._chance.uniform(0.5, 1.0)),
            seen_s=at.mono_s - visitor.since.mono_s if left else None,
        )
