"""Tracks -> events: each thing told once. Pure.

A track that has had enough usable looks is told as `recognized` or `unknown`; `changed` when enough further looks say
otherwise; `left` when it is gone, if it was told at all. Somebody who is ignored is never told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from node.domain import UNKNOWN, Event, EventType, Grade, Instant, Match, Presence, Track
from node.people.matcher import Matcher


class Policy(Protocol):
    """The part of `events` of the settings that concerns decisions."""

    @property
    def votes(self) -> int:
        """Usable looks that a name needs."""

    @property
    def unknown_votes(self) -> int:
        """Usable looks that `unknown` needs."""


@dataclass(slots=True, eq=False)
class _Story:
    """What was told of one track."""

    track: Track
    told: Match | None = None
    since: Instant | None = None
    doubts: int = 0
    """Looks in a row that contradict what was told."""


class Engine:
    """Decides what is worth telling.

    Args:
        policy: how much evidence a decision needs.
        matcher: who decides about identity; may be replaced while the node runs.
        labels: by head (`age`, `ethnicity`) that events may carry, its labels in the order of the scores.
    """

    def __init__(self, policy: Policy, matcher: Matcher, labels: Mapping[str, Sequence[str]]) -> None:
        self._policy = policy
        self._labels = labels
        self._stories: dict[int, _Story] = {}
        self.matcher = matcher

    @property
    def present(self) -> tuple[Presence, ...]:
        """Everybody known who is in view, the longest first; nobody twice, nobody ignored."""
        since: dict[str, Instant] = {}
        for story in self._stories.values():
            match = story.told
            if match is not None and match.person is not None and not match.ignored and story.since is not None:
                since.setdefault(match.person, story.since)
        return tuple(Presence(person, at) for person, at in since.items())

    def update(self, at: Instant, tracks: Sequence[Track]) -> tuple[Event, ...]:
        """Return what happened since the last tick."""
        numbers = {track.number for track in tracks}
        gone = [self._stories.pop(number) for number in list(self._stories) if number not in numbers]
        told = [self._tell(EventType.LEFT, at, story) for story in gone]
        told += [self._follow(at, track) for track in tracks]
        return tuple(event for event in told if event is not None)

    def close(self, at: Instant) -> tuple[Event, ...]:
        """Return what is to be told when nobody looks any more: everybody in view has left."""
        return self.update(at, ())

    def _follow(self, at: Instant, track: Track) -> Event | None:
        story = self._stories.setdefault(track.number, _Story(track))
        news = track.looks > story.track.looks or (story.told is None and track.looks > 0)
        story.track = track
        if not news or track.embedding is None:
            return None
        match = self.matcher.match(track.embedding, track.heads)
        return self._decide(at, story, match) if story.told is None else self._doubt(at, story, match)

    def _decide(self, at: Instant, story: _Story, match: Match) -> Event | None:
        """Tell somebody for the first time, once there is evidence enough."""
        needed = self._policy.unknown_votes if match.person is None else self._policy.votes
        if story.track.looks < needed:
            return None
        story.told, story.since = match, story.track.began
        return self._tell(EventType.UNKNOWN if match.person is None else EventType.RECOGNIZED, at, story)

    def _doubt(self, at: Instant, story: _Story, match: Match) -> Event | None:
        """Tell that somebody is another than was told, once enough looks in a row say so."""
        was = story.told
        if was is None or match.person == was.person:
            story.told, story.doubts = match, 0
            return None
        story.doubts += 1
        if story.doubts < self._policy.votes:
            return None
        story.told, story.since, story.doubts = match, at, 0
        if was.ignored:  # nothing was said of this track so far
            return self._tell(EventType.UNKNOWN if match.person is None else EventType.RECOGNIZED, at, story)
        return self._tell(EventType.CHANGED, at, story, was=was.person or UNKNOWN)

    def _tell(self, kind: EventType, at: Instant, story: _Story, was: str | None = None) -> Event | None:
        match = story.told
        if match is None or match.ignored:
            return None
        track = story.track
        return Event(
            type=kind,
            at=at,
            track=track.number,
            box=track.face.box,
            person=match if match.person is not None else None,
            was=was,
            age=self._grade("age", track),
            ethnicity=self._grade("ethnicity", track),
            seen_s=track.seen.mono_s - track.began.mono_s if kind is EventType.LEFT else None,
        )

    def _grade(self, head: str, track: Track) -> Grade | None:
        if head not in self._labels or head not in track.heads:
            return None
        scores = track.heads[head]
        best = int(np.argmax(scores))
        return Grade(self._labels[head][best], float(scores[best]))
