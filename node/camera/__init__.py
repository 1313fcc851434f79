"""The setting `camera.source` -> an open camera.

Only the driver that is asked for is imported, so that the decoder's process, which needs none, stays small.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from node.camera.camera import Camera
from node.clock import Clock
from node.domain import Box
from node.errors import CameraError

if TYPE_CHECKING:
    from node.settings import CameraSettings

__all__ = ["Camera", "open_camera"]


def open_camera(settings: "CameraSettings", clock: Clock, small_px: int | None = None) -> Camera:
    """Open the camera that `settings.source` names; a live camera starts to capture when it is iterated.

    Args:
        settings: of the camera.
        clock: gives every moment.
        small_px: pixels of the longer side of each frame's small image, where the driver has one; None: no small
            image.

    Raises:
        CameraError: the source does not exist, or cannot be read.
    """
    opened = _open_source(settings, clock, small_px)
    if settings.rotate:
        from node.camera.turned import TurnedCamera  # noqa: PLC0415 - see above

        opened = TurnedCamera(opened, settings.rotate)
    if settings.crop is not None and not settings.source.startswith("picamera"):  # which crops on its sensor
        from node.camera.cropped import CroppedCamera  # noqa: PLC0415 - see above

        opened = CroppedCamera(opened, Box(*settings.crop))
    return opened


def _open_source(settings: "CameraSettings", clock: Clock, small_px: int | None) -> Camera:
    driver, _, target = settings.source.partition(":")
    match driver:
        case "picamera":
            from node.camera.picamera.driver import open_picamera  # noqa: PLC0415 - see above

            return open_picamera(int(target or 0), settings, clock, small_px)
        case "webcam":
            from node.camera.webcam import open_webcam  # noqa: PLC0415 - see above

            return open_webcam(target, settings, clock)
        case "video":
            from node.camera.video import open_video  # noqa: PLC0415 - see above

            return open_video(target, settings, clock)
        case "images":
            from node.camera.images import open_images  # noqa: PLC0415 - see above

            return open_images(Path(target), settings, clock)
        case _:
            raise CameraError(f"camera.source: {driver} is not a driver: use picamera, webcam, video or images")
