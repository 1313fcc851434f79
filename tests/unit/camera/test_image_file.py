"""Image files and folders: what is read and listed, and what is refused before it takes memory."""

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import pytest

from node.camera.image_file import list_files, read_image
from node.errors import CameraError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with images, other files and a folder inside it."""
    (tmp_path / "in").mkdir()
    (tmp_path / "d.jpg").mkdir()
    for name in ("b.JPG", "a.png", ".hidden.jpg", "notes.txt", "in/c.jpg"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


@pytest.fixture
def closed() -> Iterator[Path]:
    """Return a folder that only root may list, inside one that everybody may enter."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o000)
        yield Path(folder)
        Path(folder).chmod(0o700)


def test_the_images_of_a_folder_are_listed_by_name(folder: Path) -> None:
    """Hidden files, other formats and folders are left out; inner folders are searched only on request."""
    assert [file.name for file in list_files(folder)] == ["a.png", "b.JPG"]
    assert [file.name for file in list_files(folder, nested=True)] == ["a.png", "b.JPG", "c.jpg"]
    assert [file.name for file in list_files(folder, {".txt"})] == ["notes.txt"]


@pytest.mark.parametrize("name", ["notes.txt", "missing.jpg", "x" * 300])
def test_a_path_that_is_not_a_folder_is_returned(folder: Path, name: str) -> None:
    """Also one that does not exist, or has a name that the system refuses."""
    assert list_files(folder / name) == [folder / name]


@pytest.fixture
def closed_to_us(closed: Path) -> Iterator[Path]:
    """Yield the closed folder, without root's rights, for which no folder is closed."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield closed
    if root:
        os.seteuid(0)


@pytest.mark.parametrize("nested", [False, True])
def test_a_folder_that_cannot_be_listed_is_an_error(closed_to_us: Path, nested: bool) -> None:  # noqa: FBT001 - a case
    """It does not count as empty."""
    with pytest.raises(CameraError, match="Permission denied"):
        list_files(closed_to_us, nested=nested)


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
