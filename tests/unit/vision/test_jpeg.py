"""Images that leave the node: what they show, and how large they may be."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from node.domain import Box, Image
from node.vision.jpeg import MAX_BYTES, face_jpeg, frame_jpeg

RED, BLUE = (250, 10, 10), (10, 10, 250)


def plain(height: int, width: int, colour: tuple[int, int, int] = BLUE) -> Image:
    """Return an image of one colour."""
    return np.full((height, width, 3), colour, np.uint8)


def noise(height: int, width: int) -> Image:
    """Return an image that no codec compresses well."""
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


def opened(content: bytes) -> npt.NDArray[np.uint8]:
    """Return the pixels of a file, RGB."""
    assert content.startswith(b"\xff\xd8\xff")
    assert content.endswith(b"\xff\xd9")
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture[:, :, ::-1], np.uint8)


def test_a_frame_is_shown_whole_and_in_its_colours() -> None:
    """Red stays red, within 8 gray levels for the codec."""
    shown = opened(frame_jpeg(plain(120, 160, RED)))
    assert shown.shape == (120, 160, 3)
    assert np.abs(shown.astype(int) - RED).max() <= 8


def test_a_large_frame_is_scaled_down_with_its_aspect_ratio() -> None:
    """Nobody needs twelve megapixels in a notification."""
    assert opened(frame_jpeg(plain(1440, 2560))).shape == (720, 1280, 3)


def test_a_face_is_shown_with_a_margin_and_not_the_room() -> None:
    """Half the size of the face at each side, no more: the rest of the room stays private."""
    image = plain(400, 400)
    image[150:250, 150:250] = RED
    shown = opened(face_jpeg(image, Box(0.375, 0.375, 0.25, 0.25)))
    assert shown.shape == (200, 200, 3)
    assert np.abs(shown[60:140, 60:140].astype(int) - RED).max() <= 40


@pytest.mark.parametrize("box", [Box(-0.5, -0.5, 0.6, 0.6), Box(0.9, 0.9, 5, 5), Box(2, 2, 0.1, 0.1), Box(0, 0, 0, 0)])
def test_a_face_beyond_the_edge_is_clipped(box: Box) -> None:
    """A box may extend beyond the frame or lie outside it; the result always has at least one pixel of it."""
    shown = opened(face_jpeg(plain(100, 100), box))
    assert 1 <= shown.shape[0] <= 100
    assert 1 <= shown.shape[1] <= 100


@pytest.mark.parametrize("most", [MAX_BYTES, 20_000, 2_000])
def test_no_file_is_larger_than_its_limit(most: int) -> None:
    """Quality is lowered first, then the number of pixels, and it always ends."""
    assert len(frame_jpeg(noise(1080, 1920), most)) <= most
    assert len(face_jpeg(noise(1080, 1920), Box(0.2, 0.2, 0.5, 0.5), most)) <= most


def test_an_impossible_limit_ends_at_one_pixel() -> None:
    """A mistake in a setting must not hang the loop."""
    assert opened(frame_jpeg(noise(50, 70), 10)).shape[:2] == (1, 1)
