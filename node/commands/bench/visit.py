"""A picture of people -> a visit, of which a node processes each frame from detection to decision."""

from dataclasses import replace

import cv2
import numpy as np

from node.assembly import Vision, build_matcher, build_scoring
from node.camera.image_file import read_image
from node.domain import Frame, Image, Instant
from node.events.engine import Engine
from node.events.tracker import Tracker
from node.settings import Settings
from node.system import bundled

SIZE = (480, 640)
"""Height and width of the frames, pixels."""

_FPS = 10
_GRAY = 118


def portrait() -> Image:
    """Return a frame, shape (480, 640, 3), uint8, RGB, with one face."""
    frame = np.full((*SIZE, 3), _GRAY, np.uint8)
    left = (SIZE[1] - SIZE[0]) // 2
    frame[:, left : left + SIZE[0]] = _picture("astronaut", SIZE[0])
    return frame


def group() -> Image:
    """Return a frame, shape (480, 640, 3), uint8, RGB, with four faces."""
    frame = np.full((*SIZE, 3), _GRAY, np.uint8)
    side = SIZE[0] // 2
    people = [_picture(name, side) for name in ("astronaut", "grace_hopper")]
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        left = column * SIZE[1] // 2
        frame[row * side : (row + 1) * side, left : left + side] = people[(row + column) % 2]
    return frame


def _picture(name: str, side: int) -> Image:
    picture = read_image(bundled.path(f"media/{name}.jpg"))
    rows, columns = picture.shape[:2]
    square = picture[: min(rows, columns), :columns] if rows > columns else picture[:, :rows]
    return cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


class Visit:
    """A visit of people who stand in front of the camera, at ten frames per second of simulated time.

    Args:
        settings: of the node.
        vision: detector, recognizer and network.
        image: the frame, always the same.
        now: the beginning of the visit.
    """

    def __init__(self, settings: Settings, vision: Vision, image: Image, now: Instant) -> None:
        self._vision = vision
        self._frame = Frame(image)
        self._at = now
        self._tracker = Tracker(settings.events)
        sidecar = vision.network.sidecar
        scoring = build_scoring(settings, sidecar)
        self._engine = Engine(settings.events, build_matcher(settings, sidecar, scoring, ()), {})

    def step(self) -> None:
        """Process one frame as a node does."""
        self._tracker.update(self._at, self._vision.detector.detect(self._frame))
        self._tracker.assign(self._vision.recognizer.recognize(self._frame, self._tracker.due()))
        self._engine.update(self._at, self._tracker.tracks)
        self._at = replace(self._at, mono_s=self._at.mono_s + 1 / _FPS)

    @property
    def looks(self) -> int:
        """Number of usable looks at the people in view."""
        return sum(track.looks for track in self._tracker.tracks)
