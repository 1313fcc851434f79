"""A face in an image -> how surely it is upright, and by which turn of the image it would be.

The detector learned from upright faces. It also finds a face that is turned, and puts the keypoints where those of an
upright face would be: of 60 photos turned by 180 degrees it finds 58 faces, and 54 of them pass all other gates. So the
keypoints cannot show that a face is upside down. The detector's score can: it is highest for the view in which the face
is upright. The surroundings of the face are searched as they are and turned, and the scores are compared.
`tests/benchmarks/face_rotation.py` prints by angle how well that works, with this gate and without it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from node.domain import Face, Frame, Image

MIN_SCORE = 0.1
"""The detector's least score of interest, 0..1: also a face of which it is not sure counts in the comparison."""

_NEAR = (20, 340)
"""Turns, degrees clockwise, in which a tilted head is upright: a head tilted by less than about 40 degrees counts."""

_FAR = (60, 90, 120, 150, 180, 210, 240, 270, 300)
"""Turns that make a face upright that is not. Every 30 degrees: one that is 30 degrees off scores as low as the face
itself may, if it is turned by 150 or 210 degrees."""

_FAR_QUICK = (60, 120, 150, 180, 210, 240, 300)
"""Those that are enough to see that a face is surely upright: on its side it scores low as it is."""

_QUARTERS = (90, 180, 270)
"""Turns of which one is named for a face that is not upright: those that a camera or a photo needs."""

_TRUSTED = 0.8
"""Score from which a turned view counts: that of a face whose keypoints can be trusted (`min_keypoint_score`)."""

_SIDE = 2.0
"""Side of a view, in lengths of the longer side of the face."""

_QUICK_PX, _THOROUGH_PX = 96, 128
"""Sides of a view in pixels: for the first comparison, and for the one that decides where the first is not sure."""

_SURE = 0.05
"""Difference of the scores from which the first comparison is sure that a face is upright."""

_CENTRAL = 0.2
"""Greatest distance of a face from the middle of its view, each way, in sides of the view: others are not this one."""

_GRAY = (120, 120, 120)
"""What lies beyond the image's edge."""


class FaceDetector(Protocol):
    """Finds faces in views of at least 96 and at most 128 pixels."""

    def detect(self, frame: Frame) -> tuple[Face, ...]:
        """Return the faces with a score of at least MIN_SCORE."""
        ...


@dataclass(frozen=True, slots=True)
class Orientation:
    """How a face is turned in the image plane.

    Attributes:
        lead: its best score in a view turned by at most 20 degrees minus its best score in one turned further, -1..1:
            at least 0 if it is upright, but for the tilt of a head.
        turn: the turn by 90, 180 or 270 degrees clockwise that brings it nearest to upright; 0 if it is upright.
    """

    lead: float
    turn: int


class OrientationMeter:
    """Searches the surroundings of a face as they are and turned.

    Args:
        detector: of its own, since it searches views of other sizes than the frames.
    """

    def __init__(self, detector: FaceDetector) -> None:
        self._detector = detector

    def measure(self, image: Image, face: Face) -> Orientation:
        """Return the orientation of a face of an image, shape (height, width, 3), uint8, RGB."""
        quick = self._scores(_surroundings(image, face, _QUICK_PX), _QUICK_PX, (0, *_FAR_QUICK))
        lead = quick[0] - max(quick[1:])
        if lead >= _SURE:
            return Orientation(lead, 0)
        surroundings = _surroundings(image, face, _THOROUGH_PX)
        near = self._scores(surroundings, _THOROUGH_PX, (0, *_NEAR))
        far = self._scores(surroundings, _THOROUGH_PX, _FAR)
        lead = _lead(near, far)
        if lead >= 0:
            return Orientation(lead, 0)
        return Orientation(lead, max(_QUARTERS, key=lambda turn: far[_FAR.index(turn)]))

    def _scores(self, surroundings: Image, size: int, turns: Iterable[int]) -> list[float]:
        """Return the score of the face in the middle of each view; 0 if there is none."""
        return [self._score(_turned(surroundings, turn, size)) for turn in turns]

    def _score(self, view: Image) -> float:
        central = (
            face.score
            for face in self._detector.detect(Frame(view))
            if all(abs(place - 0.5) < _CENTRAL for place in face.box.centre)
        )
        return max(central, default=0.0)


def _lead(near: Sequence[float], far: Sequence[float]) -> float:
    return max(near) - max((score for score in far if score >= _TRUSTED), default=0.0)


def _surroundings(image: Image, face: Face, size: int) -> Image:
    """Return a square around a face, so large that a view of `size` pixels can be cut from it at any angle."""
    rows, columns = image.shape[:2]
    side = max(1.0, _SIDE * max(face.box.width * columns, face.box.height * rows)) * 2**0.5
    left, top = (
        round(place * length - side / 2) for place, length in zip(face.box.centre, (columns, rows), strict=True)
    )
    right, bottom = left + max(1, round(side)), top + max(1, round(side))
    part = image[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    length = round(size * 2**0.5)
    if not part.size:  # the box lies beyond the image
        return np.full((length, length, 3), _GRAY[0], np.uint8)
    shrinks = right - left > length
    scale = length / (right - left)
    # Shrink before padding: a face that fills a large image would otherwise need several times its memory.
    width, height = (max(1, round(each * scale)) for each in part.shape[1::-1])
    resized = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    x, y = (min(length - 1, round(max(0, -each) * scale)) for each in (left, top))
    square = np.full((length, length, 3), _GRAY[0], np.uint8)
    room = square[y : y + height, x : x + width]
    room[:] = resized[: room.shape[0], : room.shape[1]]
    return square


def _turned(surroundings: Image, turn: int, size: int) -> Image:
    """Return the middle of a square turned clockwise, shape (size, size, 3)."""
    middle = (surroundings.shape[0] - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), -turn, 1.0)
    matrix = matrix + np.array([[0, 0, (size - 1) / 2 - middle]] * 2)
    view = cv2.warpAffine(surroundings, matrix, (size, size), flags=cv2.INTER_LINEAR, borderValue=_GRAY)
    return view.astype(np.uint8, copy=False)
