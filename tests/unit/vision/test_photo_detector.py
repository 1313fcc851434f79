"""Photos: small faces are found, each once, and large ones stay as they are in a live frame."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from node.camera.image_file import read_image
from node.domain import Frame, Image
from node.system import bundled
from node.vision.detector import Detector
from node.vision.photo_detector import PhotoDetector, tiles
from node.vision.tflite import find_runtime

FACE_PX = 100.0 / 512
"""Width of the face in the portrait, share of the portrait's."""


@pytest.fixture(scope="module")
def live() -> Detector:
    """Return the detector as a live frame is searched."""
    return Detector(bundled.detector(find_runtime("auto")[0]))


@pytest.fixture(scope="module")
def photos(live: Detector) -> PhotoDetector:
    """Return the detector of photos."""
    return PhotoDetector(live, 640)


@pytest.fixture(scope="module")
def portrait() -> Image:
    """Return a portrait of 512 by 512 pixels."""
    return read_image(bundled.path("media/astronaut.jpg"))


def photo(portrait: Image, face_px: int, *places: tuple[int, int]) -> Image:
    """Return a gray photo of 12 megapixels with portraits, whose faces are so wide, at (left, top)."""
    side = round(face_px / FACE_PX)
    small = cv2.resize(portrait, (side, side), interpolation=cv2.INTER_AREA)
    image = np.full((3000, 4000, 3), 130, np.uint8)
    for left, top in places:
        image[top : top + side, left : left + side] = small
    return image


@pytest.mark.parametrize("face_px", [60, 80, 100])
def test_a_small_face_in_a_large_photo_is_found_once(
    live: Detector, photos: PhotoDetector, portrait: Image, face_px: int
) -> None:
    """In the middle and in corners, also where tiles overlap; its box and keypoints within a tenth of its width."""
    places = [(0, 0), (3450, 10), (10, 2450), (3450, 2450), (1260, 1000), (1900, 1400), (2550, 2000)]
    image = photo(portrait, face_px, *places)
    assert face_px > 60 or live.detect(Frame(image)) == ()
    (reference,) = live.detect(Frame(portrait))
    side = round(face_px / FACE_PX)
    found = sorted(photos.detect(Frame(image)), key=lambda face: (face.box.top, face.box.left))
    assert len(found) == len(places)
    for left, top in places:
        wanted = [((left + x * side) / 4000, (top + y * side) / 3000) for x, y in reference.keypoints]
        (near,) = [face for face in found if abs(face.box.left * 4000 - left - reference.box.left * side) < side / 2
                   and abs(face.box.top * 3000 - top - reference.box.top * side) < side / 2]  # fmt: skip
        np.testing.assert_allclose(np.array(near.keypoints), np.array(wanted), atol=face_px / 10 / 3000)


@pytest.mark.parametrize("face_px", [160, 240, 400])
def test_a_larger_face_is_found_once(photos: PhotoDetector, portrait: Image, face_px: int) -> None:
    """By the search of the whole, of tiles, or of both."""
    assert len(photos.detect(Frame(photo(portrait, face_px, (1000, 500))))) == 1


def test_a_large_face_stays_as_in_a_live_frame(live: Detector, photos: PhotoDetector, portrait: Image) -> None:
    """So that a photo that was enrolled before gives the same face again."""
    large = cv2.resize(portrait, (3000, 3000), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    assert photos.detect(Frame(large)) == live.detect(Frame(large))
    assert photos.detect(Frame(portrait)) == live.detect(Frame(portrait))


@pytest.mark.parametrize("size", [(4000, 3000), (3000, 4000), (16_384, 1024), (641, 640), (4096, 4096), (1, 9000)])
def test_tiles_cover_a_photo_and_share_their_edges(size: tuple[int, int]) -> None:
    """At most thirty of them: a bound of the time."""
    columns, rows = size
    side = round(640 / min(1.0, ((3 << 20) / (columns * rows)) ** 0.5))
    found = tiles(columns, rows, side)
    assert len(found) <= 30
    for length, spans in ((columns, {(t[0], t[2]) for t in found}), (rows, {(t[1], t[3]) for t in found})):
        ordered = sorted(spans)
        assert ordered[0][0] == 0
        assert sum(ordered[-1]) == length
        for (first, wide), (second, _) in pairwise(ordered):
            assert first + wide - second >= side // 5 - 1
