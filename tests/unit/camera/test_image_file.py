"""Pictures and folders of them: what is read and listed, and what is refused before it costs memory."""

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
    """Return a folder with pictures, a folder in it, and what is none of them."""
    (tmp_path / "in").mkdir()
    (tmp_path / "d.jpg").mkdir()
    for name in ("b.JPG", "a.png", ".hidden.jpg", "notes.txt", "in/c.jpg"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path


@pytest.fixture
def closed() -> Iterator[Path]:
    """Return a folder that nobody but root may list, in a place that everybody may enter."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o000)
        yield Path(folder)
        Path(folder).chmod(0o700)


def test_a_folders_pictures_are_listed_by_name(folder: Path) -> None:
    """Hidden files, other kinds and folders are none; those of inner folders only where asked for."""
    assert [file.name for file in list_files(folder)] == ["a.png", "b.JPG"]
    assert [file.name for file in list_files(folder, nested=True)] == ["a.png", "b.JPG", "c.jpg"]
    assert [file.name for file in list_files(folder, {".txt"})] == ["notes.txt"]


@pytest.mark.parametrize("name", ["notes.txt", "missing.jpg", "x" * 300])
def test_what_is_no_folder_is_left_to_its_reader(folder: Path, name: str) -> None:
    """Also what is not there, or has a name that the system refuses."""
    assert list_files(folder / name) == [folder / name]


@pytest.fixture
def asked_by_nobody(closed: Path) -> Iterator[Path]:
    """Return the closed folder, asked for as somebody who is not root, to whom nothing is closed."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield closed
    if root:
        os.seteuid(0)


@pytest.mark.parametrize("nested", [False, True])
def test_a_folder_that_cannot_be_listed_is_an_error(asked_by_nobody: Path, nested: bool) -> None:  # noqa: FBT001 - a case
    """It is not taken for an empty one."""
    with pytest.raises(CameraError, match="Permission denied"):
        list_files(asked_by_nobody, nested=nested)


def chunk(kind: bytes, data: bytes, length: int | None = None) -> bytes:
    """Return a part of a PNG, which may claim another length than it has."""
    size = len(data) if length is None else length
    return struct.pack(">I", size) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_a_part_of_a_png_that_claims_more_than_the_file_is_refused(tmp_path: Path) -> None:
    """A few hundred bytes that claim 2 GB made OpenCV take them, for seconds: too much for a Pi."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 96, 96, 8, 2, 0, 0, 0))
    path = tmp_path / "claims.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", b"x" * 100, (1 << 31) - 1))
    with pytest.raises(CameraError, match=r"claims\.png: not a readable image \(a damaged PNG\)"):
        read_image(path)


def test_what_follows_a_picture_in_its_file_is_passed_over(tmp_path: Path) -> None:
    """Some cameras and editors append their own data behind the end of a PNG."""
    picture = np.full((8, 6, 3), (10, 20, 30), np.uint8)
    path = tmp_path / "long.png"
    path.write_bytes(cv2.imencode(".png", picture)[1].tobytes() + b"made by an editor")
    np.testing.assert_array_equal(read_image(path), picture[..., ::-1])


@pytest.mark.parametrize("ending", [".jp2", ".ppm", ".hdr", ".ras"])
def test_a_kind_of_picture_that_nobody_needs_is_refused_by_its_content(tmp_path: Path, ending: str) -> None:
    """OpenCV would read it whatever its name says; decoders that are rarely looked at never see a file."""
    black = np.zeros((64, 64, 3), np.uint8)
    picture = black.astype(np.float32) if ending == ".hdr" else black
    path = tmp_path / "photo.jpg"
    path.write_bytes(cv2.imencode(ending, picture)[1].tobytes())
    with pytest.raises(CameraError, match="of another format"):
        read_image(path)


@pytest.mark.parametrize("ending", [".jpg", ".png", ".bmp", ".webp", ".tiff"])
def test_each_kind_of_picture_is_read(tmp_path: Path, ending: str) -> None:
    """Within 3 of 255: two of them lose a little."""
    picture = np.full((8, 6, 3), (10, 20, 30), np.uint8)
    path = tmp_path / f"photo{ending}"
    path.write_bytes(cv2.imencode(ending, picture)[1].tobytes())
    np.testing.assert_allclose(read_image(path), picture[..., ::-1], atol=3)
