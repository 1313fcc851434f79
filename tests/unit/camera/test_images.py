"""Image files and folders of them as cameras."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from manual_clock import ManualClock

from node.camera import open_camera
from node.camera.image_file import read_image
from node.errors import CameraError
from node.settings import CameraSettings


def _settings(path: Path, fps: float = 2.0) -> CameraSettings:
    return CameraSettings(source=f"images:{path}", fps=fps)


def test_a_folder_is_shown_by_name_at_the_pace_of_fps(media_dir: Path, tmp_path: Path) -> None:
    """Other files, hidden ones and folders are left out; suffixes count in upper and lower case."""
    shutil.copy(media_dir / "astronaut.jpg", tmp_path / "b.JPG")
    shutil.copy(media_dir / "grace_hopper.jpg", tmp_path / "a.jpeg")
    shutil.copy(media_dir / "astronaut.jpg", tmp_path / ".hidden.jpg")
    (tmp_path / "c.jpg").mkdir()
    (tmp_path / "manifest.csv").write_text("file")
    with open_camera(_settings(tmp_path), ManualClock(0.0)) as camera:
        ticks = list(camera)
    assert [tick.at.mono_s for tick in ticks] == [0, 0.5]
    assert [tick.frame.image.shape for tick in ticks if tick.frame] == [(600, 512, 3), (512, 512, 3)]


def test_one_image_is_one_frame_whatever_its_name(media_dir: Path, tmp_path: Path) -> None:
    """A file named directly needs no suffix; the astronaut's suit is orange, so red is above blue."""
    shutil.copy(media_dir / "astronaut.jpg", tmp_path / "portrait")
    with open_camera(_settings(tmp_path / "portrait"), ManualClock()) as camera:
        (tick,) = camera
    assert tick.frame is not None
    red, _, blue = tick.frame.image.mean(axis=(0, 1))
    assert red > blue + 20


def test_an_unreadable_image_ends_the_replay_and_is_named(media_dir: Path, tmp_path: Path) -> None:
    """Earlier images are shown; skipping it would make a damaged folder look like an empty room."""
    shutil.copy(media_dir / "astronaut.jpg", tmp_path / "a.jpg")
    (tmp_path / "b.jpg").write_text("no picture")
    with open_camera(_settings(tmp_path), ManualClock()) as camera:
        ticks = iter(camera)
        assert next(ticks).frame is not None
        with pytest.raises(CameraError, match=r"b\.jpg: not a readable image"):
            next(ticks)


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff", b"text"])
def test_a_file_that_is_not_an_image_is_an_error(content: bytes, tmp_path: Path) -> None:
    """So is an empty file."""
    path = tmp_path / "picture.jpg"
    path.write_bytes(content)
    with pytest.raises(CameraError, match=r"picture\.jpg: not a readable image"):
        read_image(path)


def test_a_missing_image_is_an_error(tmp_path: Path) -> None:
    """The message has the system's reason and the path."""
    with pytest.raises(CameraError, match=r"missing\.jpg: No such file"):
        read_image(tmp_path / "missing.jpg")


@pytest.mark.parametrize(("name", "message"), [("missing", "No such file"), ("empty", "contains no image")])
def test_a_source_without_images_is_an_error_at_once(name: str, message: str, tmp_path: Path) -> None:
    """A wrong path is a wrong setting, reported before the first frame is read."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(CameraError, match=message) as caught:
        open_camera(_settings(tmp_path / name), ManualClock())
    assert str(tmp_path / name) in str(caught.value)


def test_a_gray_image_becomes_rgb(tmp_path: Path) -> None:
    """Every frame has three channels, whatever the file has."""
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((8, 9), 77, np.uint8))
    assert (read_image(tmp_path / "grey.png") == np.full((8, 9, 3), 77)).all()
