"""Faces frame by frame -> tracks: one face followed over time. Pure.

A face goes to the track whose last place it overlaps, or lies next to, most; what is left over begins a track.
A track ends when it has not been seen for `leave_after_s`. Only monotonic time counts.
"""

import itertools
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

import numpy as np

from node.domain import Box, Face, Instant, Look, Track, Vector, overlap

_REACH = 1.0
"""How far the middle of a face may move between two sights, in widths of the face."""

_MEMORY = 15
"""Usable looks that the mean embedding of a track is taken over: old ones fade, so that a mistake does not stay."""


class Pace(Protocol):
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


@dataclass(slots=True, eq=False)
class _Trail:
    """What the tracker remembers of one track."""

    number: int
    face: Face
    began: Instant
    seen: Instant
    looked_s: float | None = None
    looks: int = 0
    embeddings: deque[Vector] = field(default_factory=lambda: deque(maxlen=_MEMORY))
    scores: dict[str, Vector] = field(default_factory=dict)

    def take(self, look: Look) -> None:
        if not look.usable or look.embedding is None:
            return
        self.looks += 1
        self.embeddings.append(look.embedding)
        for head, scores in look.heads.items():
            former = self.scores.get(head, np.zeros_like(scores))
            self.scores[head] = former + scores

    def freeze(self) -> Track:
        mean: Vector | None = None
        if self.embeddings:
            total = np.sum(self.embeddings, axis=0)
            mean = (total / max(float(np.linalg.norm(total)), 1e-12)).astype(np.float32)
        heads = {head: (total / self.looks).astype(np.float32) for head, total in self.scores.items()}
        return Track(self.number, self.face, self.began, self.seen, self.looks, mean, MappingProxyType(heads))


class Tracker:
    """Follows faces.

    Args:
        pace: when a track ends and how often it is looked at.
    """

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._numbers = itertools.count(1)
        self._trails: list[_Trail] = []
        self._at: Instant | None = None
        self.unusable = 0
        """How many looks were no evidence, since the start."""

    @property
    def tracks(self) -> tuple[Track, ...]:
        """Everybody in view, by number."""
        return tuple(trail.freeze() for trail in self._trails)

    def update(self, at: Instant, faces: Sequence[Face]) -> None:
        """Take in the faces of one tick; with none, time passes."""
        self._at = at
        unmatched = list(faces)
        for _, trail, face in sorted(self._pairs(faces), key=lambda pair: -pair[0]):
            if trail.seen is not at and any(face is other for other in unmatched):
                trail.face, trail.seen = face, at
                unmatched = [other for other in unmatched if other is not face]
        self._trails = [t for t in self._trails if at.mono_s - t.seen.mono_s <= self._pace.leave_after_s]
        self._trails += [_Trail(next(self._numbers), face, at, at) for face in unmatched]

    def due(self) -> tuple[Track, ...]:
        """Return the tracks seen in this tick that should be looked at, those looked at least often first."""
        fresh = [trail for trail in self._trails if trail.seen is self._at and self._wants(trail, trail.seen)]
        return tuple(trail.freeze() for trail in sorted(fresh, key=lambda trail: (trail.looks, trail.number)))

    def assign(self, looks: Mapping[int, Look]) -> None:
        """Take in what the looks at tracks gave, by track number."""
        for trail in self._trails:
            if (look := looks.get(trail.number)) is not None:
                trail.take(look)
                trail.looked_s = trail.seen.mono_s
                self.unusable += not look.usable

    def _wants(self, trail: _Trail, at: Instant) -> bool:
        if trail.looked_s is None or trail.looks < self._pace.unknown_votes:
            return True
        return at.mono_s - trail.looked_s >= self._pace.recheck_s

    def _pairs(self, faces: Sequence[Face]) -> list[tuple[float, _Trail, Face]]:
        return [
            (nearness, trail, face)
            for trail in self._trails
            for face in faces
            if (nearness := _nearness(trail.face.box, face.box)) > 0
        ]


def _nearness(a: Box, b: Box) -> float:
    """Return how well two boxes fit: their overlap, and how near their middles are; 0 where they cannot be one face."""
    (ax, ay), (bx, by) = a.centre, b.centre
    width, height = max(a.width, b.width), max(a.height, b.height)
    distance = float(np.hypot((ax - bx) / width, (ay - by) / height)) if width > 0 and height > 0 else np.inf
    return overlap(a, b) + (1 - distance / _REACH if distance < _REACH else 0.0)
