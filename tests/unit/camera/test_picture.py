"""Folders of pictures: what is listed, and what is left to be said by whoever reads it."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from node.camera.picture import list_files
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
