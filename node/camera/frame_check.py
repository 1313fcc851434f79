"""Ticks of any camera -> the same, without the frames that cannot or may not be searched for faces."""

import logging
from collections.abc import Callable, Iterator

import numpy as np

from node.camera.camera import Camera
from node.camera.image_header import MAX_PIXELS
from node.domain import CameraState, Frame, Tick

_log = logging.getLogger(__name__)

_DIMENSIONS, _CHANNELS = 3, 3


def flaw(frame: Frame) -> str | None:
    """Return what is wrong with a frame, such as `a frame of 0x0 pixels`; None if it can be used."""
    return _flaw(frame.image) or (None if frame.small is None else _flaw(frame.small))


def size_flaw(width: float, height: float) -> str | None:
    """Return what is wrong with frames of this size before one is read; None if nothing is, or the size is unknown."""
    if width * height > MAX_PIXELS:
        return f"frames of {width:.0f}x{height:.0f} pixels, more than {MAX_PIXELS / 1e6:.1f} megapixels"
    return None


def _flaw(image: object) -> str | None:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        return "a frame that is not of 8 bits a color"
    if image.ndim != _DIMENSIONS or image.shape[2] != _CHANNELS:
        return f"a frame of shape {image.shape}, not of height, width and 3 colors"
    height, width = image.shape[:2]
    if not image.size:
        return f"a frame of {width}x{height} pixels"
    return size_flaw(width, height)


class CheckedCamera(Camera):
    """A camera whose bad frames count as no frame; the first one is logged.

    Args:
        camera: any camera.
        watching: returns whether frames may be looked at; while they may not, there is none, unseen.
    """

    def __init__(self, camera: Camera, watching: Callable[[], bool] = lambda: True) -> None:
        self._camera, self._watching = camera, watching
        self._flawed = False

    @property
    def name(self) -> str:
        """That of the camera."""
        return self._camera.name

    @property
    def live(self) -> bool:
        """Whether the camera is live."""
        return self._camera.live

    @property
    def state(self) -> CameraState:
        """That of the camera."""
        return self._camera.state

    @property
    def outage(self) -> bool | None:
        """That of the camera."""
        return self._camera.outage

    @property
    def problem(self) -> str | None:
        """That of the camera."""
        return self._camera.problem

    def __iter__(self) -> Iterator[Tick]:
        """Yield the ticks of the camera.

        Raises:
            CameraError: as the camera raises it.
        """
        for tick in self._camera:
            if tick.frame is None:
                yield tick
            else:
                yield self._checked(tick, tick.frame) if self._watching() else Tick(tick.at, None)

    def close(self) -> None:
        """Close the camera."""
        self._camera.close()

    def _checked(self, tick: Tick, frame: Frame) -> Tick:
        wrong = flaw(frame)
        if wrong and not self._flawed:
            _log.warning("%s: gives %s: not used", self.name, wrong)
            self._flawed = True
        return Tick(tick.at, None) if wrong else tick
