"""What an image file states, read before it is decoded, and how far it is reduced."""

import contextlib
import struct

import cv2
import numpy as np
import pytest

from node.camera.image_header import DECODING_BYTES, MAX_PIXELS, Header, header
from tests.fuzz.forged_images import EXIF_TURNED, forged_jpeg, forged_png

PICTURE = np.full((48, 64, 3), 90, np.uint8)


def _encoded(ending: str, *flags: int) -> bytes:
    return cv2.imencode(ending, PICTURE, flags)[1].tobytes()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("JPEG", _encoded(".jpg")),
        ("JPEG", _encoded(".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)),
        ("JPEG", _encoded(".jpg")[:2] + EXIF_TURNED + _encoded(".jpg")[2:]),
        ("PNG", _encoded(".png")),
        ("BMP", _encoded(".bmp")),
        ("WebP", _encoded(".webp", cv2.IMWRITE_WEBP_QUALITY, 80)),
        ("WebP", _encoded(".webp", cv2.IMWRITE_WEBP_QUALITY, 101)),
        ("TIFF", _encoded(".tiff")),
    ],
)
def test_each_format_states_its_size(name: str, content: bytes) -> None:
    """Width and height are those before the image is turned."""
    stated = header(content)
    assert (stated.format, stated.width, stated.height) == (name, 64, 48)


def test_other_layouts_of_the_formats_are_read() -> None:
    """An extended WebP, an old BMP, a BMP from top to bottom, and a TIFF of the other byte order."""
    webp = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(4) + (63).to_bytes(3, "little") + (47).to_bytes(3, "little")
    tiff = b"MM\0*\0\0\0\x08" + struct.pack(">HHHIHHHHII", 2, 256, 3, 1, 64, 0, 257, 4, 1, 48)
    for content in (
        webp,
        b"BM" + bytes(12) + struct.pack("<IHH", 12, 64, 48),
        b"BM" + bytes(12) + struct.pack("<Iii", 40, 64, -48),
        tiff,
    ):
        stated = header(content)
        assert (stated.width, stated.height) == (64, 48)


@pytest.mark.parametrize("ending", [".jpg", ".png", ".bmp", ".webp", ".tiff"])
def test_a_truncated_header_is_refused(ending: str) -> None:
    """Whatever is left of it, the error is a sentence and no other error comes."""
    content = _encoded(ending)
    for length in range(16):
        with pytest.raises(ValueError, match=r"^not a readable image \("):
            header(content[:length])
    for length in range(16, min(len(content), 200)):
        with contextlib.suppress(ValueError):
            header(content[:length])


@pytest.mark.parametrize(
    ("stated", "divisor"),
    [
        (Header("JPEG", 4000, 3000), 1),
        (Header("JPEG", 4096, 4096), 1),
        (Header("JPEG", 4097, 4096), 2),
        (Header("JPEG", 8000, 6000), 2),
        (Header("JPEG", 16320, 12240), 4),
        (Header("JPEG", 4000, 3000, coefficients=72_000_000), 2),
        (Header("PNG", 4096, 4096), 1),
        (Header("PNG", 6000, 4000), 2),
    ],
)
def test_a_large_image_is_reduced(stated: Header, divisor: int) -> None:
    """As little as possible: faces are cropped from what is left."""
    assert stated.reduction() == divisor


@pytest.mark.parametrize(
    "stated",
    [
        Header("JPEG", 20_000, 20_000),
        Header("JPEG", 8000, 6000, coefficients=DECODING_BYTES),
        Header("PNG", 8190, 8190),
        Header("BMP", 20_000, 20_000),
        Header("WebP", 0, 48),
    ],
)
def test_an_image_that_cannot_be_reduced_enough_is_refused(stated: Header) -> None:
    """The error names the size."""
    with pytest.raises(ValueError, match=f"{stated.width}x{stated.height} pixels"):
        stated.reduction()


def test_the_memory_for_the_coefficients_of_a_jpeg_of_many_scans_counts() -> None:
    """A decoder keeps 2 bytes a sample until the last scan, and one of a single scan keeps nothing."""
    assert header(forged_jpeg(4000, 4000, scans=3)).coefficients == pytest.approx(2 * 4000 * 4000, rel=0.01)
    assert header(forged_jpeg(4000, 4000, marker=0xC0)).coefficients == 0
    assert header(_encoded(".jpg")).coefficients == 0
    with pytest.raises(ValueError, match="progressive JPEG of 60000x4000 pixels"):
        header(forged_jpeg(60_000, 4000, scans=3)).reduction()


def test_a_forged_jpeg_without_an_image_is_refused() -> None:
    """Segments without end, a frame without components, and samples of no size."""
    for content in (
        b"\xff\xd8" + b"\xff\xe0\0\2" * 10_000,
        b"\xff\xd8\xff" + b"\xff" * 1000,
        forged_jpeg(8, 8, components=0),
        forged_jpeg(8, 8).replace(b"\1\x11\0", b"\1\0\0"),
    ):
        with pytest.raises(ValueError, match="not a readable image"):
            header(content)


def test_a_png_of_the_most_pixels_states_them() -> None:
    """The bound itself is allowed."""
    stated = header(forged_png(4096, MAX_PIXELS // 4096))
    assert stated.reduction() == 1
