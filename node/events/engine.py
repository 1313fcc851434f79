"""Tracks -> events, each reported once. Pure.

- A track with enough usable looks is reported as `recognized` or `unknown`.
- `changed` is reported when enough further looks in a row contradict that.
- `left` is reported when somebody is gone, if they were reported at all.
- Somebody who returns within the cool-down continues the same visit, and is not reported again. The same holds for a
  stranger who looks the same.
- Ignored people are never reported.
- Whoever was in view before a restart and is found again after it continues the same visit (`node.events.resumption`).
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from node.domain import UNKNOWN, Classification, Event, EventType, Instant, Match, Presence, Track, Vector
from node.events.durations import LastFace, VisitRecord
from node.events.resumption import Resumption
from node.events.visits import Visitor, Visits
from node.people.matcher import Matcher, Probe


class Policy(Protocol):
    """The part of `events` of the settings that concerns decisions."""

    @property
    def votes(self) -> int:
        """Usable looks required for a name."""

    @property
    def unknown_votes(self) -> int:
        """Usable looks required for `unknown`."""

    @property
    def leave_after_s(self) -> float:
        """Seconds without being seen after which somebody has left."""

    @property
    def cool_down_s(self) -> float:
        """Seconds after leaving within which a return continues the same visit."""


@dataclass(slots=True, eq=False)
class _TrackState:
    """What was decided about one track."""

    track: Track
    match: Match | None = None
    visitor: Visitor | None = None
    looks: int = 0
    """Usable looks that the track had when it was last matched."""
    contradictions: int = 0
    """Looks in a row that contradict the decision."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about a track.

    Attributes:
        person: the id; None for a stranger.
        ignored: whether the owner wants no events about this person.
        visit: the visitor and since when they are here, in seconds of the monotonic clock; None for an ignored person.
    """

    person: str | None
    ignored: bool
    visit: tuple[Visitor, float] | None


class Engine:
    """Decides which events to report.

    Args:
        policy: how much evidence a decision requires.
        matcher: decides about identity.
        labels: labels in the order of the scores, by each head (`age`, `ethnicity`) that events may carry.
        same_stranger: least score at which two unknown faces count as one stranger.
        probe: returns an embedding, shape (n,), float32, unit length, ready to be scored against others.
        visits: those from before a restart, in the time of this start.
        restarted: whether anything is kept from before a restart.
    """

    def __init__(  # noqa: PLR0913 - two are for strangers, and two for a restart alone
        self,
        policy: Policy,
        matcher: Matcher,
        labels: Mapping[str, Sequence[str]],
        same_stranger: float = 1.0,
        probe: Callable[[Vector], Probe] = Probe,
        *,
        visits: Sequence[VisitRecord] = (),
        restarted: bool = False,
    ) -> None:
        self._policy = policy
        self._matcher = matcher
        self._labels = labels
        self._same_stranger, self._probe = same_stranger, probe
        self._states: dict[int, _TrackState] = {}
        self._visits = Visits(policy.cool_down_s)
        self._strangers: dict[int, Probe] = {}
        self._numbers = itertools.count(1)
        self._matcher_replaced = False
        self._resumption = Resumption(self._visits, visits, self._numbers, policy.leave_after_s, waits=restarted)

    @property
    def settled(self) -> bool:
        """Whether everybody who is in view since a restart has been decided upon; True without a restart."""
        return self._resumption.over

    @property
    def visitors(self) -> tuple[Presence, ...]:
        """Everybody in view who was decided upon, strangers included, longest first; without ignored people."""
        return _presences(self._visits.in_view())

    @property
    def expected(self) -> tuple[Presence, ...]:
        """Whoever was in view before a restart and may still be found again, longest first."""
        return _presences(self._visits.expected())

    @property
    def present(self) -> tuple[Presence, ...]:
        """Known people in view, longest first; each once, without ignored people."""
        return tuple(presence for presence in self.visitors if presence.person != UNKNOWN)

    @property
    def last_seen(self) -> dict[str, Instant]:
        """When each known person in view was last seen, by id."""
        seen: dict[str, Instant] = {}
        for state in self._states.values():
            if isinstance(state.visitor, str):
                at = state.track.seen
                former = seen.get(state.visitor, at)
                seen[state.visitor] = at if at.mono_s >= former.mono_s else former
        return seen

    @property
    def decisions(self) -> dict[int, Decision]:
        """What was decided about each track in view, by its number; nothing about those without enough evidence."""
        found = {}
        for number, state in self._states.items():
            if state.match is not None:
                since = None if state.visitor is None else self._visits.since(state.visitor)
                visit = None if state.visitor is None or since is None else (state.visitor, since.mono_s)
                found[number] = Decision(state.match.person, state.match.ignored, visit)
        return found

    def replace(self, matcher: Matcher) -> None:
        """Replace the matcher, as when the gallery has changed; the next tick matches everybody in view again."""
        self._matcher = matcher
        self._matcher_replaced = True

    def forget(self, person: str) -> None:
        """Drop everything about a person who was erased; if they are in view, their face counts as undecided."""
        self._visits.forget(person)
        self._resumption.found(person)
        for state in self._states.values():
            if state.match is not None and state.match.person == person:
                state.match, state.visitor, state.looks, state.contradictions = None, None, 0, 0

    def update(self, at: Instant, tracks: Sequence[Track], *, looked: bool = True) -> tuple[Event, ...]:
        """Return the events since the last tick; `looked` is whether a frame was looked at."""
        numbers = {track.number for track in tracks}
        gone = [self._states.pop(number) for number in list(self._states) if number not in numbers]
        reported = [self._leave(at, state) for state in gone]
        undecided = [state.track for state in self._states.values() if state.match is None]
        reported += self._resumption.update(at, undecided, looked=looked)
        reported += [self._update_track(at, track) for track in tracks]
        self._matcher_replaced = False
        return tuple(event for event in reported if event is not None)

    def close(self, at: Instant) -> tuple[Event, ...]:
        """Return the last events of a source that has ended: everybody in view leaves."""
        self._resumption.end()
        return self.update(at, ())

    def records(self, at: Instant) -> tuple[VisitRecord, ...]:
        """Return what a restart must not lose: the visits that continue, or would continue if the visitor returned.

        A stranger out of view is left out: without their face, nobody can tell whether it is them who return.
        """
        faces = self._resumption.faces
        for state in sorted(self._states.values(), key=lambda state: state.track.seen.mono_s):
            if state.visitor is not None and state.match is not None:
                track = state.track
                faces[state.visitor] = LastFace(track.seen, track.number, track.face.box, state.match.score)
        return self._visits.records(at, faces)

    def _update_track(self, at: Instant, track: Track) -> Event | None:
        state = self._states.setdefault(track.number, _TrackState(track))
        state.track = track
        if state.visitor is not None and self._visits.overdue(state.visitor, at):
            return self._event(_event_type(state.match), at, state)
        if track.embedding is None or (track.looks == state.looks and not self._matcher_replaced):
            return None
        state.looks = track.looks
        match = self._matcher.match(track.embedding, track.heads)
        if state.match is None:
            return self._decide(at, state, match)
        return self._reconsider(at, state, match, state.match)

    def _decide(self, at: Instant, state: _TrackState, match: Match) -> Event | None:
        """Report a track for the first time, once there is enough evidence."""
        required = self._policy.unknown_votes if match.person is None else self._policy.votes
        if state.track.looks < required:
            return None
        return self._enter(at, state, match, _event_type(match))

    def _reconsider(self, at: Instant, state: _TrackState, match: Match, reported: Match) -> Event | None:
        """Report that a track shows somebody else than reported, once enough looks in a row agree."""
        if match.person == reported.person:
            if match.ignored is not reported.ignored:  # the owner has changed their mind
                self._abandon(state)
                return self._enter(at, state, match, _event_type(match))
            state.match, state.contradictions = match, 0
            return None
        if self._matcher_replaced and reported.person is None:
            # The gallery has changed, not the evidence: a stranger's face has a name from now on.
            self._abandon(state)
            return self._enter(at, state, match, EventType.RECOGNIZED)
        state.contradictions += 1
        if state.contradictions < self._policy.votes:
            return None
        self._abandon(state)
        if reported.ignored:  # nothing was reported about this track so far
            return self._enter(at, state, match, _event_type(match))
        return self._enter(at, state, match, EventType.CHANGED, was=reported.person or UNKNOWN)

    def _enter(
        self, at: Instant, state: _TrackState, match: Match, event_type: EventType, was: str | None = None
    ) -> Event | None:
        state.match, state.contradictions = match, 0
        if match.ignored:
            state.visitor = None
            return None
        track = state.track
        state.visitor = match.person or self._stranger(at, track)
        self._resumption.found(state.visitor)
        report = self._visits.enter(
            state.visitor, track.number, track.began, at, always=event_type is EventType.CHANGED
        )
        return self._event(event_type, at, state, was=was) if report else None

    def _leave(self, at: Instant, state: _TrackState) -> Event | None:
        if state.visitor is None:
            return None
        since = self._visits.leave(state.visitor, state.track.number, at)
        if since is None:
            return None
        return self._event(EventType.LEFT, at, state, seen_s=state.track.seen.mono_s - since.mono_s)

    def _abandon(self, state: _TrackState) -> None:
        """Remove a track from a visitor whom it does not show."""
        if state.visitor is not None:
            self._visits.abandon(state.visitor, state.track.number)
            state.visitor = None

    def _stranger(self, at: Instant, track: Track) -> int:
        """Return the number of a stranger: that of a recent one who looks the same, else a new number."""
        remembered = self._visits.remembered(at)
        self._strangers = {number: face for number, face in self._strangers.items() if number in remembered}
        if track.embedding is None:
            return next(self._numbers)
        probe = self._probe(track.embedding)
        alike = {number: face.score(probe) for number, face in self._strangers.items()}
        number = max(alike, key=lambda each: alike[each], default=0)
        if not alike or alike[number] < self._same_stranger:
            number = self._resumption.stranger(track.began) or next(self._numbers)
        self._strangers[number] = probe
        return number

    def _event(
        self,
        event_type: EventType,
        at: Instant,
        state: _TrackState,
        *,
        was: str | None = None,
        seen_s: float | None = None,
    ) -> Event:
        track, match = state.track, state.match
        return Event(
            type=event_type,
            at=at,
            track=track.number,
            box=track.face.box,
            person=match if match is not None and match.person is not None else None,
            was=was,
            age=self._classify("age", track),
            ethnicity=self._classify("ethnicity", track),
            seen_s=seen_s,
        )

    def _classify(self, head: str, track: Track) -> Classification | None:
        if head not in self._labels or head not in track.heads:
            return None
        scores = track.heads[head]
        best = int(np.argmax(scores))
        return Classification(self._labels[head][best], float(scores[best]))


def _presences(since: Mapping[Visitor, Instant]) -> tuple[Presence, ...]:
    here = [Presence(visitor if isinstance(visitor, str) else UNKNOWN, began) for visitor, began in since.items()]
    return tuple(sorted(here, key=lambda presence: presence.since.mono_s))


def _event_type(match: Match | None) -> EventType:
    return EventType.UNKNOWN if match is None or match.person is None else EventType.RECOGNIZED
