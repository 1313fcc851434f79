"""Ticks of any camera -> the same, with every frame turned by `camera.rotate`."""

from collections.abc import Iterator

import cv2
import numpy as np

from node.camera.camera import Camera
from node.camera.frame_check import CheckedCamera
from node.domain import Frame, Image, Tick

_CODES = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


def turn(image: Image, degrees: int) -> Image:
    """Return an image turned clockwise by 90, 180 or 270 degrees, in memory of its own."""
    return cv2.rotate(image, _CODES[degrees]).astype(np.uint8, copy=False)


class TurnedCamera(CheckedCamera):
    """A camera whose frames are turned; of a live camera only those that are read, since it drops the others.

    Args:
        camera: any camera.
        degrees: 90, 180 or 270, clockwise.
    """

    def __init__(self, camera: Camera, degrees: int) -> None:
        super().__init__(camera)
        self._degrees = degrees

    def __iter__(self) -> Iterator[Tick]:
        """Yield the ticks of the camera, each frame turned, without the frames that cannot be used.

        Raises:
            CameraError: as the camera raises it.
        """
        for tick in super().__iter__():
            yield tick if tick.frame is None else Tick(tick.at, self._turned(tick.frame))

    def _turned(self, frame: Frame) -> Frame:
        small = None if frame.small is None else turn(frame.small, self._degrees)
        return Frame(turn(frame.image, self._degrees), small)
