"""The drivers: a setting -> an open camera."""

from pathlib import Path

from node.camera.camera import Camera
from node.camera.images import open_images
from node.camera.video import open_video
from node.camera.webcam import open_webcam
from node.clock import Clock
from node.errors import CameraError
from node.settings import CameraSettings

__all__ = ["Camera", "open_camera"]


def open_camera(settings: CameraSettings, clock: Clock) -> Camera:
    """Open the camera that `settings.source` names; a live one begins to capture with the iteration.

    Raises:
        CameraError: the source does not exist, or cannot be read.
    """
    kind, _, target = settings.source.partition(":")
    match kind:
        case "webcam":
            return open_webcam(int(target), settings, clock)
        case "video":
            return open_video(target, settings, clock)
        case "images":
            return open_images(Path(target), settings, clock)
        case _:
            raise CameraError(f"camera.source: no driver is called {kind}: use webcam, video or images")
