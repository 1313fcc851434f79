"""`webcam:NUMBER` or `webcam:/dev/NAME` -> a live camera through V4L2."""

import errno
import os
import stat
from functools import partial
from pathlib import Path

import cv2

from node.camera.camera import Camera
from node.camera.capture_thread import Opener, Source
from node.camera.live import LiveCamera
from node.camera.opencv import Capture
from node.clock import Clock
from node.errors import CameraError
from node.settings import CameraSettings

_REASONS = {
    errno.EBUSY: "is used by another program: stop it (`fuser -v {device}` names it)",
    errno.EACCES: "may not be opened: add the node's user to the group video",
    errno.EPERM: "may not be opened: add the node's user to the group video",
}
_NOWHERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})
"""Reasons why a path leads to nothing: also a link to itself."""
_NUMBERED, _NAMED = "video[0-9]*", "v4l/by-id/*"
_VIDEO4LINUX = 81
"""The major number of video devices, in the kernel's list of devices."""


def open_webcam(
    target: str, settings: CameraSettings, clock: Clock, opener: Opener | None = None, devices: Path = Path("/dev")
) -> Camera:
    """Open a webcam; wait for it when it is not there, and reopen it when it fails while it runs.

    Args:
        target: N of /dev/videoN, or the path of a device, such as /dev/v4l/by-id/NAME, which stays the same when the
            camera is plugged in elsewhere or after another one.
        settings: of the camera.
        clock: gives every moment.
        opener: opens the device in place of V4L2.
        devices: the folder of device files.
    """
    return LiveCamera(f"webcam:{target}", opener or partial(connect, target, settings, devices), clock, settings)


def connect(target: str, settings: CameraSettings, devices: Path = Path("/dev")) -> Source:
    """Open a device and request the size and rate of the settings; it uses the nearest that it supports.

    Args:
        target: N of /dev/videoN, or the path of a device.
        settings: of the camera.
        devices: the folder of device files.

    Raises:
        CameraError: the device does not exist, is busy, may not be opened, is not a camera, or gives frames that are
            too large.
    """
    name, device = f"webcam:{target}", devices / f"video{target}" if target.isdecimal() else Path(target)
    try:
        if not _may_be_camera(device):  # before it is opened: opening another device can have effects
            raise CameraError(f"{name}: {device} is not a camera: correct camera.source ({_available(devices)})")
        os.close(os.open(device, os.O_RDWR | os.O_NONBLOCK))  # OpenCV does not report why it cannot open a device
    except OSError as error:
        raise CameraError(f"{name}: {device} {reason(error, device, devices)}") from error
    capture = Capture(
        str(device),
        cv2.CAP_V4L2,
        f"{name}: {device} gives no images: it is not a camera (many cameras have a second device), or another "
        f"program uses it (`fuser -v {device}` names it)",
    )
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, settings.width)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.height)
    capture.set(cv2.CAP_PROP_FPS, settings.fps)
    if wrong := capture.size_flaw():
        capture.close()
        raise CameraError(f"{name}: gives {wrong}: set camera.width and camera.height to a size it supports")
    return capture


def reason(error: OSError, device: Path, devices: Path = Path("/dev")) -> str:
    """Return why a device cannot be opened, and what to do."""
    if error.errno in (errno.ENODEV, errno.ENXIO):
        return "is gone: plug the camera in"
    if error.errno in _NOWHERE:
        return f"does not exist: plug the camera in, or correct camera.source ({_available(devices)})"
    if error.errno in _REASONS:
        return _REASONS[error.errno].format(device=device)
    return f"cannot be opened: {error.strerror or error}: unplug it and plug it in again"


def _may_be_camera(device: Path) -> bool:
    """Return whether to open a path: a folder, a pipe or another device is no camera; a file only has no images."""
    status = device.stat()
    if stat.S_ISCHR(status.st_mode):
        return os.major(status.st_rdev) == _VIDEO4LINUX
    return stat.S_ISREG(status.st_mode)


def _available(devices: Path) -> str:
    """Return the cameras of this machine, by number and by name."""
    numbers = sorted(path.name.removeprefix("video") for path in devices.glob(_NUMBERED))
    names = sorted(str(path) for path in devices.glob(_NAMED))
    return f"cameras here: {', '.join(numbers + names) or 'none'}"
