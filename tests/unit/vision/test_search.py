"""Search: which frames are processed, which are searched, and which faces are found."""

import pytest
from makers import face, instant

from node.camera.image_file import read_image
from node.domain import Frame, Tick, Track
from node.system import bundled
from node.vision.detector import Detector
from node.vision.motion import Motion
from node.vision.search import NOTHING, Search
from node.vision.tflite import find_runtime
from node.vision.throttle import Throttle

SOMEBODY = (Track(1, face(), instant(0), instant(0)),)


@pytest.fixture(scope="module")
def detector() -> Detector:
    """Return the detector that ships."""
    return Detector(bundled.detector(find_runtime("auto")[0]))


@pytest.fixture(scope="module")
def portrait() -> Frame:
    """Return a frame with one face."""
    return Frame(read_image(bundled.path("media/astronaut.jpg")))


def test_a_tick_without_a_frame_has_no_result(detector: Detector) -> None:
    """There is nothing to process."""
    assert Search(detector).faces(Tick(instant(0), None), ()) is NOTHING


def test_without_motion_and_throttle_every_frame_is_searched(detector: Detector, portrait: Frame) -> None:
    """A recorded source must give the same faces each time."""
    search = Search(detector)
    for second in range(10):
        found = search.faces(Tick(instant(second / 10), portrait), ())
        assert found.looked
        assert found.faces is not None
        assert len(found.faces) == 1


def test_a_still_image_is_processed_but_not_searched(detector: Detector, portrait: Frame) -> None:
    """Health counts it as a frame, without a latency."""
    search = Search(detector, Motion())
    found = [search.faces(Tick(instant(n / 10), portrait), ()) for n in range(30)]
    assert all(each.looked for each in found)
    assert any(each.faces is None for each in found)
    assert search.faces(Tick(instant(3.0), portrait), SOMEBODY).faces is not None


def test_a_throttled_frame_is_not_processed(detector: Detector, portrait: Frame) -> None:
    """Every other frame of a hot processor."""
    search = Search(detector, throttle=Throttle(80.0, lambda: 90.0))
    found = [search.faces(Tick(instant(n / 10), portrait), SOMEBODY) for n in range(4)]
    assert [each.looked for each in found] == [False, True, False, True]
