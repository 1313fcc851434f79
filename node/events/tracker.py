"""Faces frame by frame -> tracks: one face followed over time. Pure.

- A face is assigned to the track whose predicted position fits best. The prediction is linear, so that two people may
  cross and somebody may be hidden for a moment. A face without a track begins one.
- A track ends when it has not been seen for `leave_after_s`, in monotonic time.
- Several looks in a row that show somebody clearly different end a track and begin another in its place.
- A limited number of tracks is looked at in one tick: the undecided first, and within each group the one whose last
  look is oldest.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

import numpy as np

from node.domain import Box, Face, Flaw, Instant, Look, Track, overlap
from node.events.latest_looks import LatestLooks

_MAX_DISTANCE = 1.0
"""Greatest distance of the center of a face from its prediction, in widths and heights of the face."""

_MAX_LOOKS = 15
"""Latest usable looks that the means of a track cover; older ones drop out, so that a mistake does not last."""

_PREDICTION_S = 1.0
"""Seconds for which a hidden face is predicted to keep its speed."""

_SPEED_SMOOTHING = 0.5
"""Weight of the former speed in the new estimate, since boxes jitter."""

_OTHER_PERSON_COSINE = 0.1
"""Cosine to the mean of the track below which a look shows somebody else. It is far below any threshold that names
somebody, so that only a clear contradiction counts; the engine reports `changed` for the range between."""

_OTHER_PERSON_LOOKS = 2
"""Number of such looks in a row that begin a new track."""


class TrackerSettings(Protocol):
    """The settings in `events` that concern tracks."""

    @property
    def leave_after_s(self) -> float:
        """Seconds without being seen after which somebody has left."""

    @property
    def unknown_votes(self) -> int:
        """Usable looks after which a track is certainly decided."""

    @property
    def recheck_s(self) -> float:
        """Seconds after which a decided track is looked at again."""

    @property
    def looks_per_tick(self) -> int:
        """Most tracks to look at in one tick."""


@dataclass(slots=True, eq=False)
class _TrackState:
    """The mutable state of one track."""

    number: int
    face: Face
    began: Instant
    seen: Instant
    speed: tuple[float, float] = (0.0, 0.0)
    """(x, y) of the center of the face, fractions of the frame per second."""
    looked_s: float | None = None
    count: int = 0
    looks: LatestLooks = field(default_factory=lambda: LatestLooks(_MAX_LOOKS))
    contradicting: list[Look] = field(default_factory=list)

    def move(self, face: Face, at: Instant) -> None:
        """Update the position and the speed."""
        passed_s = at.mono_s - self.seen.mono_s
        if passed_s > 0:
            (x, y), (old_x, old_y) = face.box.centre, self.face.box.centre
            now = ((x - old_x) / passed_s, (y - old_y) / passed_s)
            self.speed = tuple(
                _SPEED_SMOOTHING * old + (1 - _SPEED_SMOOTHING) * new for old, new in zip(self.speed, now, strict=True)
            )  # type: ignore[assignment]
        self.face, self.seen = face, at

    def expected(self, at: Instant) -> Box:
        """Return the predicted box for this moment."""
        elapsed_s = min(at.mono_s - self.seen.mono_s, _PREDICTION_S)
        box = self.face.box
        return Box(box.left + self.speed[0] * elapsed_s, box.top + self.speed[1] * elapsed_s, box.width, box.height)

    def add(self, look: Look) -> bool:
        """Add a look. Return whether the contradicting looks are enough to begin another track."""
        if not look.usable or look.embedding is None:
            return False
        if (
            self.looks.mean is not None
            and len(self.looks) >= _OTHER_PERSON_LOOKS
            and float(self.looks.mean @ look.embedding) < _OTHER_PERSON_COSINE
        ):
            self.contradicting.append(look)
            return len(self.contradicting) >= _OTHER_PERSON_LOOKS
        self.contradicting.clear()
        self.count += 1
        self.looks.add(look, look.embedding)
        return False

    def to_track(self) -> Track:
        return Track(
            number=self.number,
            face=self.face,
            began=self.began,
            seen=self.seen,
            looks=self.count,
            embedding=self.looks.mean,
            heads=self.looks.heads,
            best=self.looks.best,
            latest=self.looks.latest,
            speed=self.speed,
        )


class Tracker:
    """Follows faces from frame to frame.

    Args:
        settings: when a track ends, and how often it is looked at.
        first: the number of the first track.
    """

    def __init__(self, settings: TrackerSettings, first: int = 1) -> None:
        self._settings = settings
        self._numbers = itertools.count(first)
        self._states: list[_TrackState] = []
        self._at: Instant | None = None
        self._flaws: dict[Flaw, int] = dict.fromkeys(Flaw, 0)
        self.unusable = 0
        """Number of unusable looks since the start."""

    @property
    def tracks(self) -> tuple[Track, ...]:
        """The current tracks, by number."""
        return tuple(state.to_track() for state in self._states)

    @property
    def flaws(self) -> Mapping[Flaw, int]:
        """Number of looks that failed each gate since the start; one look may fail several."""
        return MappingProxyType(self._flaws)

    def update(self, at: Instant, faces: Sequence[Face]) -> None:
        """Assign the faces of one tick to tracks; without faces only time passes."""
        self._at = at
        free = set(range(len(faces)))
        for _, state, index in sorted(self._pairs(at, faces), key=lambda pair: -pair[0]):
            if state.seen is not at and index in free:
                state.move(faces[index], at)
                free.remove(index)
        self._states = [t for t in self._states if at.mono_s - t.seen.mono_s <= self._settings.leave_after_s]
        self._states += [_TrackState(next(self._numbers), faces[index], at, at) for index in sorted(free)]

    def due(self) -> tuple[Track, ...]:
        """Return the tracks seen in this tick that are due for a look: the undecided first, then by the last look."""
        fresh = [state for state in self._states if state.seen is self._at and self._is_due(state)]
        # Do not sort by usable looks alone: a poster that never gives one would always come first.
        fresh.sort(key=self._due_order)
        return tuple(state.to_track() for state in fresh[: self._settings.looks_per_tick])

    def assign(self, looks: Mapping[int, Look]) -> None:
        """Add looks to tracks, by track number."""
        for index, state in enumerate(self._states):
            look = looks.get(state.number)
            if look is None:
                continue
            self._count(look)
            state.looked_s = state.seen.mono_s
            if state.add(look):
                self._states[index] = self._replacement(state)

    def _replacement(self, state: _TrackState) -> _TrackState:
        """Return a new track for the person whom the contradicting looks show."""
        fresh = _TrackState(next(self._numbers), state.face, state.seen, state.seen, state.speed, state.looked_s)
        for look in state.contradicting:
            fresh.add(look)
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


def _closeness(a: Box, b: Box) -> float:
    """Return how well two boxes fit: overlap plus closeness of their centers; 0 if they cannot be one face."""
    (ax, ay), (bx, by) = a.centre, b.centre
    width, height = max(a.width, b.width), max(a.height, b.height)
    distance = float(np.hypot((ax - bx) / width, (ay - by) / height)) if width > 0 and height > 0 else np.inf
    return overlap(a, b) + (1 - distance / _MAX_DISTANCE if distance < _MAX_DISTANCE else 0.0)
