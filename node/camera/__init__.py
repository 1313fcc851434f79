"""The setting `camera.source` -> an open camera."""

from pathlib import Path

from node.camera.camera import Camera
from node.camera.images import open_images
from node.camera.picamera.driver import open_picamera
from node.camera.video import open_video
from node.camera.webcam import open_webcam
from node.clock import Clock
from node.errors import CameraError
from node.settings import CameraSettings

__all__ = ["Camera", "open_camera"]


def open_camera(settings: CameraSettings, clock: Clock, small_px: int | None = None) -> Camera:
    """Open the camera that `settings.source` names; a live camera starts to capture when it is iterated.

    Args:
        settings: of the camera.
        clock: gives every moment.
        small_px: pixels of the longer side of each frame's small image, where the driver has one; None: no small
            image.

    Raises:
        CameraError: the source does not exist, or cannot be read.
    """
    driver, _, target = settings.source.partition(":")
    match driver:
        case "picamera":
            return open_picamera(int(target or 0), settings, clock, small_px)
        case "webcam":
            return open_webcam(int(target), settings, clock)
        case "video":
            return open_video(target, settings, clock)
        case "images":
            return open_images(Path(target), settings, clock)
        case _:
            raise CameraError(f"camera.source: {driver} is not a driver: use picamera, webcam, video or images")
