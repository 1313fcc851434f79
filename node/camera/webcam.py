"""`webcam:NUMBER` -> a live camera through V4L2."""

import errno
import os
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


def open_webcam(
    number: int, settings: CameraSettings, clock: Clock, opener: Opener | None = None, devices: Path = Path("/dev")
) -> Camera:
    """Open a webcam; reopen it when it fails while it runs.

    Args:
        number: N of /dev/videoN.
        settings: of the camera.
        clock: gives every moment.
        opener: opens the device in place of V4L2.
        devices: the folder of device files.

    Raises:
        CameraError: there is no such device now. A wrong number is far more likely than a camera that appears late, so
            the error comes at once.
    """
    device = devices / f"video{number}"
    if not device.exists():
        available = ", ".join(sorted(path.name.removeprefix("video") for path in devices.glob("video[0-9]*")))
        raise CameraError(
            f"webcam:{number}: {device} does not exist: plug the camera in, or correct camera.source "
            f"(numbers here: {available or 'none'})"
        )
    return LiveCamera(f"webcam:{number}", opener or partial(connect, device, number, settings), clock, settings)


def connect(device: Path, number: int, settings: CameraSettings) -> Source:
    """Open a device and request the size and rate of the settings; it uses the nearest that it supports.

    Raises:
        CameraError: the device does not exist, is busy, may not be opened, or gives frames that are too large.
    """
    try:
        os.close(os.open(device, os.O_RDWR | os.O_NONBLOCK))  # OpenCV does not report why it cannot open a device
    except OSError as error:
        raise CameraError(f"webcam:{number}: {device} {reason(error, device)}") from error
    capture = Capture(
        number,
        cv2.CAP_V4L2,
        f"webcam:{number}: {device} gives no images: it is not a camera (many cameras have a second device), or "
        f"another program uses it (`fuser -v {device}` names it)",
    )
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, settings.width)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.height)
    capture.set(cv2.CAP_PROP_FPS, settings.fps)
    if wrong := capture.size_flaw():
        capture.close()
        raise CameraError(f"webcam:{number}: gives {wrong}: set camera.width and camera.height to a size it supports")
    return capture


def reason(error: OSError, device: Path) -> str:
    """Return why a device cannot be opened, and what to do."""
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return "is gone: plug the camera in"
    if error.errno in _REASONS:
        return _REASONS[error.errno].format(device=device)
    return f"cannot be opened: {error.strerror or error}: unplug it and plug it in again"
