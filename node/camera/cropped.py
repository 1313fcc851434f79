"""Ticks of any camera -> the same, with the part of every frame that `camera.crop` names."""

from collections.abc import Iterator

from node.camera.camera import Camera
from node.camera.frame_check import CheckedCamera
from node.domain import Box, Frame, Image, Tick


def cut(image: Image, part: Box) -> Image:
    """Return a part of an image, to the nearest pixel and at least one, in memory of its own.

    Args:
        image: shape (height, width, 3), uint8, RGB.
        part: in fractions of the image.
    """
    height, width = image.shape[:2]
    left, right = _span(part.left, part.width, width)
    top, bottom = _span(part.top, part.height, height)
    return image[top:bottom, left:right].copy()


def _span(start: float, length: float, pixels: int) -> tuple[int, int]:
    first = min(round(start * pixels), pixels - 1)
    return first, max(min(round((start + length) * pixels), pixels), first + 1)


class CroppedCamera(CheckedCamera):
    """A camera whose frames are cropped; of a live camera only those that are read, since it drops the others.

    Args:
        camera: any camera; one that crops by itself, as a Pi's, needs none of this.
        part: the part to use, in fractions of the frame.
    """

    def __init__(self, camera: Camera, part: Box) -> None:
        super().__init__(camera)
        self._part = part

    def __iter__(self) -> Iterator[Tick]:
        """Yield the ticks of the camera, each frame cropped, without the frames that cannot be used.

        Raises:
            CameraError: as the camera raises it.
        """
        for tick in super().__iter__():
            yield tick if tick.frame is None else Tick(tick.at, self._cropped(tick.frame))

    def _cropped(self, frame: Frame) -> Frame:
        small = None if frame.small is None else cut(frame.small, self._part)
        return Frame(cut(frame.image, self._part), small)
