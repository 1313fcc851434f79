"""Tracks -> events: each thing told once. Pure.

- A track that has had enough usable looks is told as `recognized` or `unknown`.
- `changed` comes when enough further looks in a row say otherwise.
- `left` comes when somebody is gone, if they were told at all.
- Who is back within the cool-down is on the same visit, and not told again; so is a stranger who looks the same.
- Somebody who is ignored is never told.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from node.domain import UNKNOWN, Event, EventType, Grade, Instant, Match, Presence, Track, Vector
from node.events.visits import Visitor, Visits
from node.people.matcher import Matcher


class Policy(Protocol):
    """The part of `events` of the settings that concerns decisions."""

    @property
    def votes(self) -> int:
        """Usable looks that a name needs."""

    @property
    def unknown_votes(self) -> int:
        """Usable looks that `unknown` needs."""

    @property
    def cool_down_s(self) -> float:
        """Seconds within which somebody who comes back is on the same visit."""


@dataclass(slots=True, eq=False)
class _Story:
    """What was decided of one track."""

    track: Track
    match: Match | None = None
    visitor: Visitor | None = None
    looks: int = 0
    """Usable looks of which the matcher was asked."""
    doubts: int = 0
    """Looks in a row that contradict what was decided."""


class Engine:
    """Decides what is worth telling.

    Args:
        policy: how much evidence a decision needs.
        matcher: who decides about identity.
        labels: by head (`age`, `ethnicity`) that events may carry, its labels in the order of the scores.
        same_stranger: cosine from which two unknown faces count as one stranger.
    """

    def __init__(
        self,
        policy: Policy,
        matcher: Matcher,
        labels: Mapping[str, Sequence[str]],
        same_stranger: float = 1.0,
    ) -> None:
        self._policy = policy
        self._matcher = matcher
        self._labels = labels
        self._same_stranger = same_stranger
        self._stories: dict[int, _Story] = {}
        self._visits = Visits(policy.cool_down_s)
        self._strangers: dict[int, Vector] = {}
        self._numbers = itertools.count(1)
        self._anew = False

    @property
    def visitors(self) -> tuple[Presence, ...]:
        """Everybody in view who was told or is known, strangers too, the longest first; nobody ignored."""
        here = [
            Presence(visitor if isinstance(visitor, str) else UNKNOWN, since)
            for visitor, since in self._visits.here().items()
        ]
        return tuple(sorted(here, key=lambda presence: presence.since.mono_s))

    @property
    def present(self) -> tuple[Presence, ...]:
        """Everybody known who is in view, the longest first; nobody twice, nobody ignored."""
        return tuple(presence for presence in self.visitors if presence.person != UNKNOWN)

    @property
    def sightings(self) -> dict[str, Instant]:
        """When everybody known who is in view was last seen, by id."""
        seen: dict[str, Instant] = {}
        for story in self._stories.values():
            if isinstance(story.visitor, str):
                at = story.track.seen
                former = seen.get(story.visitor, at)
                seen[story.visitor] = at if at.mono_s >= former.mono_s else former
        return seen

    def replace(self, matcher: Matcher) -> None:
        """Let another matcher decide, as when the gallery has changed: in the next tick over everybody in view."""
        self._matcher = matcher
        self._anew = True

    def forget(self, person: str) -> None:
        """Keep nothing of somebody who was erased; who is in view is a face not yet decided upon."""
        self._visits.forget(person)
        for story in self._stories.values():
            if story.match is not None and story.match.person == person:
                story.match, story.visitor, story.looks, story.doubts = None, None, 0, 0

    def update(self, at: Instant, tracks: Sequence[Track]) -> tuple[Event, ...]:
        """Return what happened since the last tick."""
        numbers = {track.number for track in tracks}
        gone = [self._stories.pop(number) for number in list(self._stories) if number not in numbers]
        told = [self._leave(at, story) for story in gone]
        told += [self._follow(at, track) for track in tracks]
        self._anew = False
        return tuple(event for event in told if event is not None)

    def close(self, at: Instant) -> tuple[Event, ...]:
        """Return what is to be told when nobody looks any more: everybody in view has left."""
        return self.update(at, ())

    def _follow(self, at: Instant, track: Track) -> Event | None:
        story = self._stories.setdefault(track.number, _Story(track))
        story.track = track
        if story.visitor is not None and self._visits.overdue(story.visitor, at):
            return self._event(_kind(story.match), at, story)
        if track.embedding is None or (track.looks == story.looks and not self._anew):
            return None
        story.looks = track.looks
        match = self._matcher.match(track.embedding, track.heads)
        if story.match is None:
            return self._decide(at, story, match)
        return self._doubt(at, story, match, story.match)

    def _decide(self, at: Instant, story: _Story, match: Match) -> Event | None:
        """Tell somebody for the first time, once there is evidence enough."""
        needed = self._policy.unknown_votes if match.person is None else self._policy.votes
        if story.track.looks < needed:
            return None
        return self._enter(at, story, match, _kind(match))

    def _doubt(self, at: Instant, story: _Story, match: Match, told: Match) -> Event | None:
        """Tell that somebody is another than was told, once enough looks in a row say so."""
        if match.person == told.person:
            if match.ignored is not told.ignored:  # the owner has changed their mind
                self._abandon(story)
                return self._enter(at, story, match, _kind(match))
            story.match, story.doubts = match, 0
            return None
        if self._anew and told.person is None:
            # Not the evidence has changed but who is known: a face that was a stranger's has a name from now on.
            self._abandon(story)
            return self._enter(at, story, match, EventType.RECOGNIZED)
        story.doubts += 1
        if story.doubts < self._policy.votes:
            return None
        self._abandon(story)
        if told.ignored:  # nothing was said of this track so far
            return self._enter(at, story, match, _kind(match))
        return self._enter(at, story, match, EventType.CHANGED, was=told.person or UNKNOWN)

    def _enter(self, at: Instant, story: _Story, match: Match, kind: EventType, was: str | None = None) -> Event | None:
        story.match, story.doubts = match, 0
        if match.ignored:
            story.visitor = None
            return None
        track = story.track
        story.visitor = match.person or self._stranger(at, track)
        overturned = kind is EventType.CHANGED
        news = self._visits.enter(story.visitor, track.number, track.began, at, always=overturned)
        return self._event(kind, at, story, was=was) if news else None

    def _leave(self, at: Instant, story: _Story) -> Event | None:
        if story.visitor is None:
            return None
        since = self._visits.leave(story.visitor, story.track.number, at)
        if since is None:
            return None
        return self._event(EventType.LEFT, at, story, seen_s=story.track.seen.mono_s - since.mono_s)

    def _abandon(self, story: _Story) -> None:
        """Take a track off a visitor whom it does not show."""
        if story.visitor is not None:
            self._visits.abandon(story.visitor, story.track.number)
            story.visitor = None

    def _stranger(self, at: Instant, track: Track) -> int:
        """Return the number of a stranger: that of one seen lately who looks the same, else a new one."""
        remembered = self._visits.remembered(at)
        self._strangers = {number: face for number, face in self._strangers.items() if number in remembered}
        if track.embedding is None:
            return next(self._numbers)
        alike = {number: float(face @ track.embedding) for number, face in self._strangers.items()}
        number = max(alike, key=lambda each: alike[each], default=0)
        if not alike or alike[number] < self._same_stranger:
            number = next(self._numbers)
        self._strangers[number] = track.embedding
        return number

    def _event(
        self, kind: EventType, at: Instant, story: _Story, *, was: str | None = None, seen_s: float | None = None
    ) -> Event:
        track, match = story.track, story.match
        return Event(
            type=kind,
            at=at,
            track=track.number,
            box=track.face.box,
            person=match if match is not None and match.person is not None else None,
            was=was,
            age=self._grade("age", track),
            ethnicity=self._grade("ethnicity", track),
            seen_s=seen_s,
        )

    def _grade(self, head: str, track: Track) -> Grade | None:
        if head not in self._labels or head not in track.heads:
            return None
        scores = track.heads[head]
        best = int(np.argmax(scores))
        return Grade(self._labels[head][best], float(scores[best]))


def _kind(match: Match | None) -> EventType:
    return EventType.UNKNOWN if match is None or match.person is None else EventType.RECOGNIZED
