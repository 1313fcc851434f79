"""Webcams, as far as a machine without one can test them."""

import errno
import os
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from manual_clock import ManualClock
from pydantic import ValidationError

from node.camera import open_camera
from node.camera.webcam import connect, open_webcam, reason
from node.domain import CameraState
from node.errors import CameraError
from node.settings import CameraSettings


def test_a_device_that_does_not_exist_is_an_error_that_lists_those_that_do(tmp_path: Path) -> None:
    """Each attempt fails with the right numbers and names: it may be a wrong setting, or a camera plugged in later."""
    (tmp_path / "v4l/by-id").mkdir(parents=True)
    for name in ("video0", "video2", "v4l/by-id/usb-Cam-index0"):
        (tmp_path / name).touch()
    here = rf"cameras here: 0, 2, {tmp_path}/v4l/by-id/usb-Cam-index0\)"
    with pytest.raises(CameraError, match=rf"webcam:7: .*video7 does not exist: .*{here}"):
        connect("7", CameraSettings(), devices=tmp_path)
    with pytest.raises(CameraError, match=rf"usb-Other-index0 does not exist: .*{here}"):
        connect(str(tmp_path / "v4l/by-id/usb-Other-index0"), CameraSettings(), devices=tmp_path)


def test_a_camera_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    """Opening it is no error: it is lost, with the reason, until it is plugged in."""
    clock = ManualClock()
    with open_webcam("7", CameraSettings(), clock, devices=tmp_path) as camera:
        ticks = iter(camera)
        while not camera.problem:
            assert next(ticks).frame is None
        assert "plug the camera in" in camera.problem
        assert camera.state is CameraState.LOST


def test_a_camera_is_opened_by_its_name(tmp_path: Path) -> None:
    """A link by id leads to the device that the camera has now; V4L2 opens the path as it is."""
    (tmp_path / "video98").touch()
    link = tmp_path / "usb-Cam-index0"
    link.symlink_to("video98")
    with pytest.raises(CameraError, match=rf"webcam:{link}: {link} gives no images"):
        connect(str(link), CameraSettings())


def test_a_device_of_another_kind_is_not_opened() -> None:
    """Opening some devices has effects: a watchdog restarts the machine."""
    with pytest.raises(CameraError, match=r"/dev/null is not a camera: correct camera\.source"):
        connect("/dev/null", CameraSettings())


@pytest.mark.parametrize("kind", ["folder", "pipe", "socket"])
def test_what_is_no_device_is_not_a_camera(tmp_path: Path, kind: str) -> None:
    """To unplug it would not help; only another source does."""
    path = tmp_path / kind
    with socket.socket(socket.AF_UNIX) as listener:
        make: dict[str, Callable[[], None]] = {
            "folder": path.mkdir,
            "pipe": partial(os.mkfifo, path),
            "socket": partial(listener.bind, str(path)),
        }
        make[kind]()
        with pytest.raises(CameraError, match=rf"{path} is not a camera: correct camera\.source"):
            connect(str(path), CameraSettings())


def test_a_link_to_itself_leads_to_no_camera(tmp_path: Path) -> None:
    """Nothing is there to unplug."""
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(CameraError, match=rf"{loop} does not exist: plug the camera in, or correct camera\.source"):
        connect(str(loop), CameraSettings())


@pytest.mark.parametrize("source", ["webcam:0", "webcam:/dev/video0", "webcam:/dev/v4l/by-id/usb-Cam-video-index0"])
def test_a_webcam_is_named_by_number_or_by_device(source: str) -> None:
    """Numbers change with the order in which cameras are plugged in; names do not."""
    with open_camera(CameraSettings(source=source), ManualClock()) as camera:
        assert camera.name == source


@pytest.mark.parametrize("source", ["webcam:", "webcam:front", "webcam:by-id/usb-Cam", "webcam:/etc/passwd"])
def test_anything_else_is_refused(source: str) -> None:
    """A path outside /dev is no device."""
    with pytest.raises(ValidationError):
        CameraSettings(source=source)


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.EBUSY, "another program"),
        (errno.EACCES, "group video"),
        (errno.ENODEV, "is gone"),
        (errno.ENOENT, "does not exist"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_busy_forbidden_and_missing_devices_have_different_messages(number: int, message: str) -> None:
    """Each has another remedy; an unknown error has the system's reason."""
    assert message in reason(OSError(number, os.strerror(number)), Path("/dev/video0"))


def test_a_device_that_is_not_a_camera_is_a_camera_error(tmp_path: Path) -> None:
    """Many webcams have a second device without images."""
    (tmp_path / "video98").touch()
    with pytest.raises(CameraError, match=r"webcam:98: .*gives no images"):
        connect("98", CameraSettings(), devices=tmp_path)
