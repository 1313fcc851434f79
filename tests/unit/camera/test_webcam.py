"""Webcams, as far as a machine without one can test them."""

import errno
import os
from pathlib import Path

import pytest
from manual_clock import ManualClock

from node.camera.webcam import connect, open_webcam, reason
from node.errors import CameraError
from node.settings import CameraSettings


def test_a_number_without_a_device_is_an_error_that_lists_the_numbers_available(tmp_path: Path) -> None:
    """A wrong number is a wrong setting; the message lists the right ones."""
    (tmp_path / "video0").touch()
    (tmp_path / "video2").touch()
    with pytest.raises(CameraError, match=r"webcam:7: .*video7 does not exist.*numbers here: 0, 2"):
        open_webcam(7, CameraSettings(), ManualClock(), devices=tmp_path)


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.EBUSY, "another program"),
        (errno.EACCES, "group video"),
        (errno.ENODEV, "is gone"),
        (errno.ENOENT, "is gone"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_busy_forbidden_and_missing_devices_have_different_messages(number: int, message: str) -> None:
    """Each has another remedy; an unknown error has the system's reason."""
    assert message in reason(OSError(number, os.strerror(number)), Path("/dev/video0"))


def test_a_device_that_went_away_is_a_camera_error(tmp_path: Path) -> None:
    """A camera unplugged while the node runs: the attempt fails, and the next may succeed."""
    with pytest.raises(CameraError, match=r"webcam:3: .*video3 is gone"):
        connect(tmp_path / "video3", 3, CameraSettings())


def test_a_device_that_is_not_a_camera_is_a_camera_error(tmp_path: Path) -> None:
    """Many webcams have a second device without images."""
    (tmp_path / "video98").touch()
    with pytest.raises(CameraError, match=r"webcam:98: .*gives no images"):
        connect(tmp_path / "video98", 98, CameraSettings())
