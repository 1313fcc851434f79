"""Frozen values that pass from the camera to the broker; imports no other module of the node."""

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
"""Stands for a stranger in place of a person's id, so no person can have this id."""


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment on both clocks.

    Attributes:
        wall: UTC, for printing only.
        mono_s: seconds of the monotonic clock; every duration is a difference of these.
        synced: whether the system clock was synchronized at that moment.
    """

    wall: datetime
    mono_s: float
    synced: bool


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One image from a camera.

    Attributes:
        image: full resolution, shape (height, width, 3), uint8, RGB.
        small: the same view at lower resolution, if the driver provides it, else None.
    """

    image: Image
    small: Image | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Tick:
    """A step of time, with or without a frame."""

    at: Instant
    frame: Frame | None


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in fractions 0..1 of the full frame; it may extend beyond the frame."""

    left: float
    top: float
    width: float
    height: float

    @property
    def centre(self) -> tuple[float, float]:
        """The center, (x, y) in fractions of the frame."""
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
        box: in fractions of the full frame.
        keypoints: five (x, y) in fractions of the full frame: the left eye, the right eye, the tip of the nose, the
            left and the right corner of the mouth; left and right as seen in the image.
        score: the detector's confidence, 0..1.
    """

    box: Box
    keypoints: tuple[tuple[float, float], ...]
    score: float


class Flaw(StrEnum):
    """Why a look at a face is no evidence of who it is."""

    SIZE = "size"
    EDGE = "edge"
    BLUR = "blur"
    LIGHT = "light"
    KEYPOINTS = "keypoints"
    TILT = "tilt"


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What the network sees in one face of one frame.

    Attributes:
        face: the face.
        flaws: the gates that it failed; empty if the look is usable.
        embedding: shape (n,), float32, unit length; None if the network did not run because of the flaws.
        heads: softmax scores of each requested head by its name, shape (classes,), float32.
        weight: how much it counts among the looks at the same face, 0..1.
        crop: the aligned face, shape (height, width, 3), uint8, RGB; None if it was not cut.
        turn: degrees clockwise by which the image must be turned for the face to be upright, 0 if it is; None if that
            was not measured.
    """

    face: Face
    flaws: tuple[Flaw, ...] = ()
    embedding: Vector | None = None
    heads: Mapping[str, Vector] = field(default_factory=lambda: MappingProxyType({}))
    weight: float = 1.0
    crop: Image | None = None
    turn: int | None = None

    @property
    def usable(self) -> bool:
        """Whether the look passed every gate."""
        return not self.flaws


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One face followed from frame to frame.

    Attributes:
        number: unique within a run; it begins with 1, or after a restart behind the tracks that were in view.
        face: the face as last seen.
        began: when it was first seen.
        seen: when it was last seen.
        looks: number of usable looks.
        embedding: mean over the latest usable looks, weighted by their quality, shape (n,), float32, unit length;
            None before the first.
        heads: mean softmax scores over the same looks, weighted likewise, by head.
        best: the look with the greatest weight among those; None before the first.
        latest: the last usable look; None before the first.
        speed: (x, y) of the center of the face, fractions of the frame per second.
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
    speed: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Match:
    """The person that an embedding shows, or a stranger.

    Attributes:
        person: the id of the person, or None for a stranger.
        score: cosine to the nearest anchor of the nearest candidate; 0 without candidates.
        ignored: whether the owner wants no events about this person.
        margin: the score that decides less its threshold, so that 0 and more names somebody; None without candidates,
            and where no gallery decides.
    """

    person: str | None
    score: float
    ignored: bool = False
    margin: float | None = None


@dataclass(frozen=True, slots=True)
class Classification:
    """The output of a classification head: the label with the highest softmax score, and that score."""

    group: str
    score: float


class EventType(StrEnum):
    """Everything that can happen to a track."""

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
        age: the age group, if that head is published.
        ethnicity: the ethnicity group, if that head is published.
        seen_s: with `left`, seconds from the first to the last sight of the visit.
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
    """Somebody in view: their id, or "unknown" for a stranger, and since when."""

    person: str
    since: Instant


class AlertState(StrEnum):
    """Whether an alert begins or is over."""

    RAISED = "raised"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class Alert:
    """One of the owner's rules is met, or is no longer met.

    Attributes:
        rule: the id of the rule.
        state: raised or cleared.
        at: when.
        event: the event of the same tick that met the rule; the message carries its id.
        person: the id of the person it concerns.
        count: faces in view, for a rule that counts.
        for_s: seconds for which the rule held, for a rule about duration; with `cleared`, seconds since it was raised.
    """

    rule: str
    state: AlertState
    at: Instant
    event: Event | None = None
    person: str | None = None
    count: int | None = None
    for_s: float | None = None


class CameraState(StrEnum):
    """State of the camera."""

    OK = "ok"
    LOST = "lost"
    PRIVATE = "private"


class DiscoveryState(StrEnum):
    """Whether the broker has the node's discovery for Home Assistant."""

    ON = "on"
    OFF = "off"
    REFUSED = "refused"
    TOO_LARGE = "too_large"


class RequestsState(StrEnum):
    """Whether requests arrive by MQTT: `refused` by the broker, or `paused` by the node, which says why in its log."""

    ON = "on"
    REFUSED = "refused"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Health:
    """What a node reports about itself; None where unknown. The instant says whether the clock is synchronized.

    Attributes:
        version: of the program.
        model: first eight hex digits of the network's sha256.
        camera: state of the camera.
        fps: frames processed per second.
        p50_ms: median milliseconds from a frame to its events, without frames in which nothing moved.
        p95_ms: the same, 95th percentile.
        cpu_c: temperature of the processor, degrees Celsius.
        throttled: whether the board has throttled itself.
        rss_mb: memory of the process, megabytes.
        outbox: messages waiting for the broker.
        dropped: messages dropped for lack of space since the outbox was created.
        rejected: messages that the broker rejected for good since the outbox was created.
        unusable: looks that failed a gate since the start.
        flaws: number of looks that failed each gate, by its name; one look may fail several.
        upside_down: whether the faces in view are upside down, so that the camera must be turned.
        people: number of people enrolled.
        cert_days_left: days until this node's certificate expires.
        discovery: whether the broker has the discovery for Home Assistant.
        uptime_s: seconds since the start of the process.
        requests: whether requests arrive by MQTT.
        slow: whether frames take much longer than in the first minutes of the process.
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
    upside_down: bool | None
    people: int | None
    cert_days_left: int | None
    discovery: DiscoveryState | None
    uptime_s: int
    requests: RequestsState
    slow: bool = False


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number of things in words, such as `1 face`, `2 faces` or, with a plural of its own, `2 people`."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"
