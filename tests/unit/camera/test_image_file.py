"""Image files: what is read, how it is turned, and what is refused before it takes memory."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from node.camera.image_file import read_image
from node.camera.orientation import exif_orientation
from node.domain import Image
from node.errors import CameraError


def chunk(kind: bytes, data: bytes, length: int | None = None) -> bytes:
    """Return a chunk of a PNG, which may claim another length than it has."""
    size = len(data) if length is None else length
    return struct.pack(">I", size) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_a_png_chunk_that_claims_more_than_the_file_is_refused(tmp_path: Path) -> None:
    """A few hundred bytes that claim 2 GB made OpenCV allocate them for seconds: too much for a Pi."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 96, 96, 8, 2, 0, 0, 0))
    path = tmp_path / "claims.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", b"x" * 100, (1 << 31) - 1))
    with pytest.raises(CameraError, match=r"claims\.png: not a readable image \(a damaged PNG\)"):
        read_image(path)


def test_bytes_after_the_image_are_ignored(tmp_path: Path) -> None:
    """Some cameras and editors append their own data to a PNG."""
    picture = np.full((8, 6, 3), (10, 20, 30), np.uint8)
    path = tmp_path / "long.png"
    path.write_bytes(cv2.imencode(".png", picture)[1].tobytes() + b"made by an editor")
    np.testing.assert_array_equal(read_image(path), picture[..., ::-1])


@pytest.mark.parametrize("suffix", [".jp2", ".ppm", ".hdr", ".ras"])
def test_an_unneeded_image_format_is_refused_by_its_content(tmp_path: Path, suffix: str) -> None:
    """OpenCV would read it whatever its name is; its rarely reviewed decoders must never see a file."""
    black = np.zeros((64, 64, 3), np.uint8)
    picture = black.astype(np.float32) if suffix == ".hdr" else black
    path = tmp_path / "photo.jpg"
    path.write_bytes(cv2.imencode(suffix, picture)[1].tobytes())
    with pytest.raises(CameraError, match="of another format"):
        read_image(path)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".webp", ".tiff"])
def test_each_image_format_is_read(tmp_path: Path, suffix: str) -> None:
    """Within 3 of 255: two of the formats are lossy."""
    picture = np.full((8, 6, 3), (10, 20, 30), np.uint8)
    path = tmp_path / f"photo{suffix}"
    path.write_bytes(cv2.imencode(suffix, picture)[1].tobytes())
    np.testing.assert_allclose(read_image(path), picture[..., ::-1], atol=3)


CORNERS = np.array([[(250, 0, 0), (0, 250, 0)], [(0, 0, 250), (250, 250, 250)]], np.uint8)
"""The colors of the four quarters of a picture, RGB."""

UPRIGHT: dict[int, Callable[[Image], Image]] = {
    1: lambda image: image,
    2: np.fliplr,
    3: lambda image: np.rot90(image, 2),
    4: np.flipud,
    5: lambda image: np.swapaxes(image, 0, 1),
    6: lambda image: np.rot90(image, -1),
    7: lambda image: np.rot90(np.swapaxes(image, 0, 1), 2),
    8: np.rot90,
}
"""What makes an image upright, by its orientation (CIPA DC-008)."""


def exif(orientation: int, order: str = ">") -> bytes:
    """Return a block of EXIF with that orientation."""
    mark = b"MM\0*" if order == ">" else b"II*\0"
    return mark + struct.pack(f"{order}IHHHIHHI", 8, 1, 0x112, 3, 1, orientation, 0, 0)


def turned_jpeg(picture: Image, orientation: int) -> bytes:
    """Return a JPEG with EXIF in its first segment."""
    content = cv2.imencode(".jpg", picture[..., ::-1])[1].tobytes()
    block = b"Exif\0\0" + exif(orientation)
    return content[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + content[2:]


def turned_png(picture: Image, orientation: int) -> bytes:
    """Return a PNG with a chunk eXIf."""
    content = cv2.imencode(".png", picture[..., ::-1])[1].tobytes()
    return content[:33] + chunk(b"eXIf", exif(orientation)) + content[33:]


def turned_webp(picture: Image, orientation: int, prefix: bytes = b"", order: str = "<") -> bytes:
    """Return a WebP with a chunk EXIF after the image, as phones and Pillow write it."""
    content = cv2.imencode(".webp", picture[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, 100])[1].tobytes()
    sides = b"".join((side - 1).to_bytes(3, "little") for side in (picture.shape[1], picture.shape[0]))
    block = prefix + exif(orientation, order)
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes([8, 0, 0, 0]) + sides + content[12:]
    body += b"EXIF" + struct.pack("<I", len(block)) + block + bytes(len(block) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def turned_tiff(picture: Image, orientation: int) -> bytes:
    """Return a plain TIFF, whose orientation is a tag of its own."""
    height, width = picture.shape[:2]
    entries = ((256, width), (257, height), (258, 8), (262, 2), (273, 144), (274, orientation), (277, 3), (278, height))
    head = b"II*\0" + struct.pack("<IH", 8, len(entries) + 2)
    places = sorted([*entries, (259, 1), (279, picture.size)])
    rows = b"".join(struct.pack("<HHIHH", tag, 3, 1, value, 0) for tag, value in places)
    rows = rows.replace(struct.pack("<HHIHH", 258, 3, 1, 8, 0), struct.pack("<HHII", 258, 3, 3, 134))
    return head + rows + struct.pack("<I5H", 0, 8, 8, 8, 0, 0) + picture.tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("make", [turned_jpeg, turned_png, turned_webp, turned_tiff])
def test_each_format_is_turned_as_it_says(
    tmp_path: Path, make: Callable[[Image, int], bytes], orientation: int
) -> None:
    """With either version of OpenCV, which differ in WebP. Within 40 of 255: two of the formats are lossy."""
    picture = CORNERS.repeat(32, axis=0).repeat(48, axis=1)
    (tmp_path / "photo").write_bytes(make(picture, orientation))
    image = read_image(tmp_path / "photo")
    expected = UPRIGHT[orientation](picture)
    assert image.shape == expected.shape
    height, width = image.shape[:2]
    for y, x in ((8, 8), (8, width - 8), (height - 8, 8), (height - 8, width - 8)):
        np.testing.assert_allclose(image[y, x].astype(int), expected[y, x].astype(int), atol=40)


@pytest.mark.parametrize(("prefix", "order"), [(b"Exif\0\0", "<"), (b"", ">"), (b"Exif\0\0", ">")])
def test_exif_of_a_webp_may_be_written_in_several_ways(tmp_path: Path, prefix: bytes, order: str) -> None:
    """With the head that JPEG wants, as Pillow writes it, and in either byte order."""
    (tmp_path / "photo").write_bytes(turned_webp(CORNERS.repeat(32, axis=0).repeat(48, axis=1), 6, prefix, order))
    assert read_image(tmp_path / "photo").shape == (96, 64, 3)


@pytest.mark.parametrize(
    "block", [b"", b"II*\0", b"MM\0*\xff\xff\xff\xff", exif(0), exif(9), exif(6)[:14], b"II*\0" + b"\xff" * 200]
)
def test_damaged_exif_turns_nothing(block: bytes) -> None:
    """And is no reason to refuse a photo."""
    assert exif_orientation(block) == 1
