"""Whether a face is upright follows from the detector's scores of views turned by different angles."""

import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from makers import face

from node.domain import Box, Face, Frame, Image
from node.vision.orientation import OrientationMeter

_ARROW = np.zeros((400, 600, 3), np.uint8)
cv2.arrowedLine(_ARROW, (300, 240), (300, 160), (255, 255, 255), 9, tipLength=0.5)


def pointing(view: Image) -> float:
    """Return where the arrow of a view points, degrees clockwise from up."""
    rows, columns = np.nonzero(view.min(axis=2) > 200)
    middle = (view.shape[0] - 1) / 2
    # The head of an arrow has more pixels than its tail, so their mean lies towards the head.
    return math.degrees(math.atan2(float(columns.mean()) - middle, middle - float(rows.mean())))


class ArrowDetector:
    """Takes an arrow for a face, with a score that falls from 0.94 as it points away from up."""

    def __init__(self, score: Callable[[float], float] = lambda angle: 0.94 - abs(angle) / 1000) -> None:
        self.sizes: list[int] = []
        self._score = score

    def detect(self, frame: Frame) -> tuple[Face, ...]:
        """Return the arrow, and a better face at the edge of the view, which is somebody else's."""
        self.sizes.append(frame.image.shape[0])
        found = face(left=0.25, top=0.25, size=0.5, score=self._score(pointing(frame.image)))
        return face(left=0.0, top=0.0, size=0.2, score=0.99), found


def turned(degrees: float) -> Image:
    """Return the arrow turned clockwise about its middle."""
    matrix = cv2.getRotationMatrix2D((300, 200), -degrees, 1.0)
    return cv2.warpAffine(_ARROW, matrix, (600, 400)).astype(np.uint8, copy=False)


ARROW = Face(Box(250 / 600, 150 / 400, 100 / 600, 100 / 400), (), 0.9)


@pytest.mark.parametrize("tilt", [0, 20, 35, -20, -35])
def test_a_tilted_head_is_upright(tilt: int) -> None:
    """Up to about 40 degrees."""
    orientation = OrientationMeter(ArrowDetector()).measure(turned(tilt), ARROW)
    assert orientation.lead >= 0
    assert orientation.turn == 0


@pytest.mark.parametrize(("tilt", "turn"), [(75, 270), (90, 270), (160, 180), (180, 180), (200, 180), (270, 90)])
def test_a_turned_face_is_not_and_the_turn_makes_it_upright(tilt: int, turn: int) -> None:
    """A face that is turned clockwise by 90 degrees becomes upright by 270."""
    orientation = OrientationMeter(ArrowDetector()).measure(turned(tilt), ARROW)
    assert orientation.lead < 0
    assert orientation.turn == turn


def test_a_face_that_is_surely_upright_takes_eight_small_views() -> None:
    """The time of a look on a Pi: only in doubt the views are compared again, and larger."""
    sure = ArrowDetector(lambda angle: 0.94 if abs(angle) < 10 else 0.5)
    assert OrientationMeter(sure).measure(turned(0), ARROW).lead >= 0
    assert sure.sizes == [96] * 8
    doubtful = ArrowDetector()
    assert OrientationMeter(doubtful).measure(turned(37), ARROW).lead >= 0
    assert doubtful.sizes == [96] * 8 + [128] * 12


def test_a_turned_view_of_which_the_detector_is_not_sure_says_nothing() -> None:
    """A large, cut or hidden face may score low as it is: no turned view is better unless it is a good one."""
    unsure = ArrowDetector(lambda angle: 0.5 if abs(angle) < 10 else 0.79)
    assert OrientationMeter(unsure).measure(turned(0), ARROW).turn == 0


@pytest.mark.parametrize("box", [Box(-0.5, -0.5, 0.3, 0.3), Box(0.9, 0.9, 0.3, 0.3), Box(5, 5, 1, 1), Box(0, 0, 3, 3)])
def test_a_box_at_the_edge_or_beyond_it_is_measured_too(box: Box) -> None:
    """What lies beyond the image is gray."""

    class NoFace:
        """Finds nothing."""

        def detect(self, frame: Frame) -> tuple[Face, ...]:
            """Return no face in a view of the right shape."""
            assert frame.image.shape in {(96, 96, 3), (128, 128, 3)}
            assert frame.image.dtype == np.uint8
            return ()

    assert OrientationMeter(NoFace()).measure(_ARROW, Face(box, (), 0.9)).turn == 0
