"""Detection: what is found is a face in the frame, whatever the frame."""

import math

import numpy as np
import pytest

from node.camera.image_file import read_image
from node.domain import Frame
from node.system import bundled
from node.vision.detector import Detector, plausible
from node.vision.tflite import find_runtime


@pytest.fixture(scope="module")
def detector() -> Detector:
    """Return the detector that is shipped."""
    return Detector(bundled.detector(find_runtime("auto")[0]))


@pytest.mark.parametrize("size", [(10, 10), (1, 1), (2, 1500), (1500, 2)])
@pytest.mark.filterwarnings("error")
def test_a_picture_a_few_pixels_across_has_no_face(detector: Detector, size: tuple[int, int]) -> None:
    """There the network makes numbers up to 1e34 and infinite ones, with full confidence."""
    assert detector.detect(Frame(np.full((*size, 3), 200, np.uint8))) == ()


def test_a_face_is_found_after_a_picture_without_one(detector: Detector) -> None:
    """What is dropped is only what cannot be a face."""
    detector.detect(Frame(np.full((2, 1500, 3), 200, np.uint8)))
    (face, *_) = detector.detect(Frame(read_image(bundled.path("media/astronaut.jpg"))))
    assert 0 < face.box.left < face.box.left + face.box.width < 1


@pytest.mark.parametrize("spoilt", [math.nan, math.inf, -math.inf, 1e34])
@pytest.mark.parametrize("place", range(7))
def test_a_detection_with_an_absurd_number_is_no_face(spoilt: float, place: int) -> None:
    """In the corner, the size or a keypoint alike."""
    points = [[0.9, -0.1], [0.3, 0.4], *([0.5, 0.5] for _ in range(5))]
    assert plausible(points, 0.9)
    points[place][1] = spoilt
    assert not plausible(points, 0.9)
