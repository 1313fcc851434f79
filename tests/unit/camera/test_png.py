"""Plain PNGs are decoded without OpenCV, whichever filters their encoder chose."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from node.camera import png
from node.camera.image_file import read_image
from node.domain import Image
from node.system import bundled
from tests.fuzz.forged_images import forged_png, png_chunk


@pytest.fixture(scope="module")
def portrait() -> Image:
    """Return a small portrait."""
    picture = read_image(bundled.path("media/astronaut.jpg"))
    return np.asarray(cv2.resize(picture, (40, 30), interpolation=cv2.INTER_AREA), np.uint8)


def _filtered(image: Image, kind: int) -> bytes:
    """Return a PNG whose rows all have one filter, as the specification defines it."""
    height, width = image.shape[:2]
    padded = np.zeros((height + 1, width + 1, 3), int)
    padded[1:, 1:] = image
    left, above, corner = padded[1:, :-1], padded[:-1, 1:], padded[:-1, :-1]
    guess = left + above - corner
    distances = [abs(guess - value) for value in (left, above, corner)]
    paeth = np.where(
        (distances[0] <= distances[1]) & (distances[0] <= distances[2]),
        left,
        np.where(distances[1] <= distances[2], above, corner),
    )
    predicted = (np.zeros_like(left), left, above, (left + above) // 2, paeth)[kind]
    rows = ((image.astype(int) - predicted) % 256).astype(np.uint8)
    data = b"".join(bytes([kind]) + row.tobytes() for row in rows)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = png_chunk(b"IHDR", head) + png_chunk(b"IDAT", zlib.compress(data)) + png_chunk(b"IEND", b"")
    return png.SIGNATURE + chunks


@pytest.mark.parametrize("kind", range(5))
def test_every_filter_is_undone(portrait: Image, kind: int) -> None:
    """OpenCV reads the same pixels."""
    content = _filtered(portrait, kind)
    np.testing.assert_array_equal(png.pixels(content), portrait)
    opencv = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(opencv[..., ::-1], portrait)


def test_files_of_other_encoders_are_read(portrait: Image) -> None:
    """OpenCV's, as the gallery writes them, and one with mixed filters."""
    buffer = io.BytesIO()
    Pillow.fromarray(portrait).save(buffer, "png", optimize=True)
    opencv = cv2.imencode(".png", portrait[..., ::-1])[1].tobytes()
    for content in (buffer.getvalue(), opencv):
        np.testing.assert_array_equal(png.pixels(content), portrait)


def test_other_kinds_of_png_are_refused(portrait: Image) -> None:
    """Gray, transparent, of 16 bits, and without or with wrong pixels: the gallery writes none of them."""
    others = (portrait[..., 0], np.dstack([portrait, portrait[..., 0]]), portrait.astype(np.uint16))
    for content in (
        *(cv2.imencode(".png", other)[1].tobytes() for other in others),
        forged_png(8, 8),
        forged_png(0, 8),
        _filtered(portrait, 1).replace(b"\x1e\x08\x02\0", b"\x1e\x08\x02\1"),
    ):
        with pytest.raises(ValueError, match="PNG"):
            png.pixels(content)
    with pytest.raises(ValueError, match="an unreadable PNG"):
        png.pixels(_filter_number(7))


def _filter_number(kind: int) -> bytes:
    """Return a PNG of one black pixel with a filter that does not exist."""
    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes([kind, 0, 0, 0]))
    return png.SIGNATURE + png_chunk(b"IHDR", head) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")
