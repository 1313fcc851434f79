"""The frozen values that travel from camera to broker; imports no other module of the node."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
"""Shape (height, width, 3), uint8, RGB."""

Vector = npt.NDArray[np.float32]
"""Shape (n,), float32."""

UNKNOWN = "unknown"
"""What stands in a person's place for a stranger; so no person can have this id."""


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment on both clocks.

    Attributes:
        wall: UTC, only ever printed.
        mono_s: seconds of the monotonic clock; every duration is a difference of these.
        synced: whether the system's clock was synchronised at that moment.
    """

    wall: datetime
    mono_s: float
    synced: bool


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A picture from a camera.

    Attributes:
        image: full resolution, shape (height, width, 3), uint8, RGB.
        small: the same view at lower resolution where the driver has it, else None.
    """

    image: Image
    small: Image | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Tick:
    """A step of time, with a frame or without one."""

    at: Instant
    frame: Frame | None


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in fractions 0..1 of the full frame; may reach beyond it."""

    left: float
    top: float
    width: float
    height: float

    @property
    def centre(self) -> tuple[float, float]:
        """The middle, (x, y) in fractions of the frame."""
        return self.left + self.width / 2, self.top + self.height / 2


def overlap(a: Box, b: Box) -> float:
    """Return the intersection over union of two boxes, 0..1."""
    width = min(a.left + a.width, b.left + b.width) - max(a.left, b.left)
    height = min(a.top + a.height, b.top + b.height) - max(a.top, b.top)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (a.width * a.height + b.width * b.height - shared)


@dataclass(frozen=True, slots=True)
class Face:
    """A face found in one frame.

    Attributes:
        box: where, in fractions of the full frame.
        keypoints: five (x, y) in fractions of the full frame: the eye at the picture's left, the eye at its
            right, the tip of the nose, the left and the right corner of the mouth, as seen in the picture.
        score: the detector's confidence, 0..1.
    """

    box: Box
    keypoints: tuple[tuple[float, float], ...]
    score: float


class Flaw(StrEnum):
    """Why a look at a face says nothing about who it is."""

    SIZE = "size"
    EDGE = "edge"
    BLUR = "blur"
    LIGHT = "light"
    KEYPOINTS = "keypoints"


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What the network saw in one face of one frame.

    Attributes:
        face: the face that was looked at.
        flaws: the gates that it failed; empty if the look is usable.
        embedding: shape (n,), float32, unit length; None if the look is not usable and was not asked for.
        heads: softmax scores of each asked head by its name, shape (classes,), float32.
        weight: how much it counts among the looks at the same face, 0..1.
        crop: the aligned face, shape (height, width, 3), uint8, RGB; None where it was not asked for.
    """

    face: Face
    flaws: tuple[Flaw, ...] = ()
    embedding: Vector | None = None
    heads: Mapping[str, Vector] = field(default_factory=lambda: MappingProxyType({}))
    weight: float = 1.0
    crop: Image | None = None

    @property
    def usable(self) -> bool:
        """Whether the look passed every gate."""
        return not self.flaws


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One face followed from frame to frame.

    Attributes:
        number: counts the tracks of this run, from 1.
        face: the face as it was last seen.
        began: when it was first seen.
        seen: when it was last seen.
        looks: how many usable looks there were.
        embedding: the mean over the latest usable looks, weighted by their quality, shape (n,), float32, unit
            length; None before the first.
        heads: mean softmax scores over the usable looks, weighted likewise, by head.
        best: of the looks that the mean is taken over the one of the greatest weight; None before the first.
        latest: the last usable look; None before the first.
    """

    number: int
    face: Face
    began: Instant
    seen: Instant
    looks: int = 0
    embedding: Vector | None = None
    heads: Mapping[str, Vector] = field(default_factory=lambda: MappingProxyType({}))
    best: Look | None = None
    latest: Look | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """Whom an embedding belongs to.

    Attributes:
        person: the id of the person, or None for a stranger.
        score: cosine similarity to the nearest anchor of the nearest person in question (0 where nobody is).
        ignored: whether the owner wants no events of this person.
    """

    person: str | None
    score: float
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class Classification:
    """The answer of a head: the label that won and its softmax score."""

    group: str
    score: float


class EventType(StrEnum):
    """The closed list of what can happen to a track."""

    RECOGNIZED = "recognized"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a track.

    Attributes:
        type: what happened.
        at: when.
        track: the number of the track.
        box: where the face was last seen.
        person: who it is; None for a stranger.
        was: with `changed`, the id before, or "unknown".
        age: the age group, if that head was asked for.
        ethnicity: the ethnicity group, if that head was asked for.
        seen_s: with `left`, seconds from the first to the last sight.
    """

    type: EventType
    at: Instant
    track: int
    box: Box
    person: Match | None = None
    was: str | None = None
    age: Classification | None = None
    ethnicity: Classification | None = None
    seen_s: float | None = None


@dataclass(frozen=True, slots=True)
class Presence:
    """Somebody who is in view: their id, "unknown" for a stranger, and since when."""

    person: str
    since: Instant


class AlertState(StrEnum):
    """Whether what a rule asks for has begun or is over."""

    RAISED = "raised"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class Alert:
    """One of the owner's rules was met, or is over.

    Attributes:
        rule: the id of the rule.
        state: raised or cleared.
        at: when.
        event: the event that met the rule, one of the same tick; the message carries its id.
        person: the id of the person whom it is about.
        count: with a rule that counts, how many faces were in view.
        for_s: with a rule about duration, seconds for which it held.
    """

    rule: str
    state: AlertState
    at: Instant
    event: Event | None = None
    person: str | None = None
    count: int | None = None
    for_s: float | None = None


class CameraState(StrEnum):
    """What the camera does."""

    OK = "ok"
    LOST = "lost"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class Health:
    """What a node tells of itself; None where it is not known. Whether the clock is synchronised is in the instant.

    Attributes:
        version: of the program.
        model: first eight hex digits of the network's sha256.
        camera: what the camera does.
        fps: frames a second that were looked at.
        p50_ms: median milliseconds from a frame to its events; frames in which nothing moved are left out.
        p95_ms: the same, 95th percentile.
        cpu_c: temperature of the processor, degrees Celsius.
        throttled: whether the board has slowed itself down.
        rss_mb: memory of the process, megabytes.
        outbox: messages that wait for the broker.
        dropped: messages given up since the outbox was made, because there was no room.
        rejected: messages that the broker refused for good since the outbox was made.
        unusable: looks at faces since the start that failed a gate.
        flaws: how many looks failed each gate, by its name; one look may fail several.
        people: how many are enrolled.
        cert_days_left: days until this node's certificate expires.
        uptime_s: seconds since the start of the process.
    """

    version: str
    model: str | None
    camera: CameraState
    fps: float | None
    p50_ms: float | None
    p95_ms: float | None
    cpu_c: float | None
    throttled: bool | None
    rss_mb: float | None
    outbox: int
    dropped: int
    rejected: int
    unusable: int
    flaws: Mapping[str, int]
    people: int | None
    cert_days_left: int | None
    uptime_s: int
