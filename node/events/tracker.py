"""Faces frame by frame -> tracks: one face followed over time. Pure.

- A face goes to the track that it fits best: where that would be now if it moved on as it did, so that two people may
  cross and somebody may be hidden for a moment. What is left over begins a track.
- A track ends when it has not been seen for `leave_after_s`. Only monotonic time counts.
- Looks that show somebody quite different, several in a row, end a track and begin another in its place.
- Only so many tracks are looked at in one tick: those not yet decided first, each in its turn.
"""

import itertools
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

import numpy as np

from node.domain import Box, Face, Flaw, Instant, Look, Track, Vector, overlap

_MAX_DISTANCE = 1.0
"""How far the middle of a face may be from where it is expected, in widths and heights of the face."""

_MAX_LOOKS = 15
"""Usable looks that the means of a track are taken over: old ones fade, so that a mistake does not stay."""

_PREDICTION_S = 1.0
"""Seconds for which a face that is out of sight is expected to move on as it did."""

_SPEED_SMOOTHING = 0.5
"""Share of the former speed in the new estimate: boxes jitter."""

_OTHER_PERSON_COSINE = 0.1
"""Cosine to the track's mean below which a look shows somebody else: far below any threshold at which somebody is
named, so that only a plain contradiction counts; what lies between, `changed` tells."""

_OTHER_PERSON_LOOKS = 2
"""Such looks in a row that begin a new track."""


class TrackerSettings(Protocol):
    """The part of `events` of the settings that concerns tracks."""

    @property
    def leave_after_s(self) -> float:
        """Seconds without sight after which somebody has left."""

    @property
    def unknown_votes(self) -> int:
        """Usable looks that every decision has had."""

    @property
    def recheck_s(self) -> float:
        """Seconds after which a settled track is looked at again."""

    @property
    def looks_per_tick(self) -> int:
        """Tracks that are looked at in one tick at the most."""


@dataclass(slots=True, eq=False)
class _TrackState:
    """What the tracker remembers of one track."""

    number: int
    face: Face
    began: Instant
    seen: Instant
    speed: tuple[float, float] = (0.0, 0.0)
    """Of the middle of the face, fractions of the frame a second."""
    looked_s: float | None = None
    count: int = 0
    looks: deque[Look] = field(default_factory=lambda: deque(maxlen=_MAX_LOOKS))
    mean: Vector | None = None
    heads: Mapping[str, Vector] = field(default_factory=lambda: MappingProxyType({}))
    contradicting: list[Look] = field(default_factory=list)

    def move(self, face: Face, at: Instant) -> None:
        """Take in where the face is now."""
        passed_s = at.mono_s - self.seen.mono_s
        if passed_s > 0:
            (x, y), (old_x, old_y) = face.box.centre, self.face.box.centre
            now = ((x - old_x) / passed_s, (y - old_y) / passed_s)
            self.speed = tuple(
                _SPEED_SMOOTHING * old + (1 - _SPEED_SMOOTHING) * new for old, new in zip(self.speed, now, strict=True)
            )  # type: ignore[assignment]
        self.face, self.seen = face, at

    def expected(self, at: Instant) -> Box:
        """Return where the face would be now."""
        ahead_s = min(at.mono_s - self.seen.mono_s, _PREDICTION_S)
        box = self.face.box
        return Box(box.left + self.speed[0] * ahead_s, box.top + self.speed[1] * ahead_s, box.width, box.height)

    def take(self, look: Look) -> bool:
        """Take in a look; return whether it is time to begin another track with the latest ones."""
        if not look.usable or look.embedding is None:
            return False
        if (
            self.mean is not None
            and len(self.looks) >= _OTHER_PERSON_LOOKS
            and float(self.mean @ look.embedding) < _OTHER_PERSON_COSINE
        ):
            self.contradicting.append(look)
            return len(self.contradicting) >= _OTHER_PERSON_LOOKS
        self.contradicting.clear()
        self.count += 1
        self.looks.append(look)
        self.mean, self.heads = _mean(self.looks), _heads(self.looks)
        return False

    def to_track(self) -> Track:
        return Track(
            number=self.number,
            face=self.face,
            began=self.began,
            seen=self.seen,
            looks=self.count,
            embedding=self.mean,
            heads=self.heads,
            best=max(self.looks, key=lambda look: look.weight, default=None),
            latest=self.looks[-1] if self.looks else None,
        )


class Tracker:
    """Follows faces.

    Args:
        settings: when a track ends and how often it is looked at.
    """

    def __init__(self, settings: TrackerSettings) -> None:
        self._settings = settings
        self._numbers = itertools.count(1)
        self._states: list[_TrackState] = []
        self._at: Instant | None = None
        self._flaws: dict[Flaw, int] = dict.fromkeys(Flaw, 0)
        self.unusable = 0
        """How many looks were no evidence, since the start."""

    @property
    def tracks(self) -> tuple[Track, ...]:
        """Everybody in view, by number."""
        return tuple(state.to_track() for state in self._states)

    @property
    def flaws(self) -> Mapping[Flaw, int]:
        """How many looks failed each gate, since the start; one look may fail several."""
        return MappingProxyType(self._flaws)

    def update(self, at: Instant, faces: Sequence[Face]) -> None:
        """Take in the faces of one tick; with none, time passes."""
        self._at = at
        free = set(range(len(faces)))
        for _, state, index in sorted(self._pairs(at, faces), key=lambda pair: -pair[0]):
            if state.seen is not at and index in free:
                state.move(faces[index], at)
                free.remove(index)
        self._states = [t for t in self._states if at.mono_s - t.seen.mono_s <= self._settings.leave_after_s]
        self._states += [_TrackState(next(self._numbers), faces[index], at, at) for index in sorted(free)]

    def due(self) -> tuple[Track, ...]:
        """Return the tracks seen in this tick that should be looked at: the undecided first, each in its turn."""
        fresh = [state for state in self._states if state.seen is self._at and self._is_due(state)]
        # Not by usable looks alone: a poster that never gives one would be looked at before everybody else for ever.
        fresh.sort(key=self._due_order)
        return tuple(state.to_track() for state in fresh[: self._settings.looks_per_tick])

    def assign(self, looks: Mapping[int, Look]) -> None:
        """Take in what the looks at tracks gave, by track number."""
        for place, state in enumerate(self._states):
            look = looks.get(state.number)
            if look is None:
                continue
            self._count(look)
            state.looked_s = state.seen.mono_s
            if state.take(look):
                self._states[place] = self._replacement(state)

    def _replacement(self, state: _TrackState) -> _TrackState:
        """Return the track of whoever took another's place."""
        fresh = _TrackState(next(self._numbers), state.face, state.seen, state.seen, state.speed, state.looked_s)
        for look in state.contradicting:
            fresh.take(look)
        return fresh

    def _count(self, look: Look) -> None:
        self.unusable += not look.usable
        for flaw in look.flaws:
            self._flaws[flaw] += 1

    def _is_due(self, state: _TrackState) -> bool:
        if state.looked_s is None or state.count < self._settings.unknown_votes or state.contradicting:
            return True
        return state.seen.mono_s - state.looked_s >= self._settings.recheck_s

    def _due_order(self, state: _TrackState) -> tuple[bool, float, int, int]:
        last_s = float("-inf") if state.looked_s is None else state.looked_s
        return state.count >= self._settings.unknown_votes, last_s, state.count, state.number

    def _pairs(self, at: Instant, faces: Sequence[Face]) -> list[tuple[float, _TrackState, int]]:
        return [
            (closeness, state, index)
            for state in self._states
            for index, face in enumerate(faces)
            if (closeness := _closeness(state.expected(at), face.box)) > 0
        ]


def _mean(looks: Iterable[Look]) -> Vector | None:
    """Return the weighted mean of the embeddings, unit length; None where there is none."""
    total = sum(max(look.weight, 1e-3) * look.embedding for look in looks if look.embedding is not None)
    if isinstance(total, int):
        return None
    return (total / max(float(np.linalg.norm(total)), 1e-12)).astype(np.float32)


def _heads(looks: Sequence[Look]) -> Mapping[str, Vector]:
    """Return the weighted mean of the scores, by head."""
    weight = sum(max(look.weight, 1e-3) for look in looks)
    names = dict.fromkeys(head for look in looks for head in look.heads)
    return MappingProxyType(
        {
            head: np.sum([max(look.weight, 1e-3) / weight * look.heads[head] for look in looks], axis=0).astype(
                np.float32
            )
            for head in names
        }
    )


def _closeness(a: Box, b: Box) -> float:
    """Return how well two boxes fit: their overlap, and how near their middles are; 0 where they cannot be one face."""
    (ax, ay), (bx, by) = a.centre, b.centre
    width, height = max(a.width, b.width), max(a.height, b.height)
    distance = float(np.hypot((ax - bx) / width, (ay - by) / height)) if width > 0 and height > 0 else np.inf
    return overlap(a, b) + (1 - distance / _MAX_DISTANCE if distance < _MAX_DISTANCE else 0.0)
