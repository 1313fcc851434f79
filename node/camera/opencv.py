"""OpenCV's VideoCapture -> frames in RGB, without OpenCV's own output."""

import os
from collections.abc import Mapping
from operator import attrgetter
from typing import cast

import cv2

from node.camera.frame_check import flaw, size_flaw
from node.domain import Frame, Image
from node.errors import CameraError

_FFMPEG_QUIET = "-8"


def loud() -> bool:
    """Return whether the environment asks for the output of OpenCV or FFmpeg."""
    return "OPENCV_LOG_LEVEL" in os.environ or os.environ.get("OPENCV_FFMPEG_LOGLEVEL", _FFMPEG_QUIET) != _FFMPEG_QUIET


def silence() -> None:
    """Turn off the output of OpenCV and FFmpeg, unless the environment asks for it.

    They write to stderr past every logger, and FFmpeg prints addresses with their passwords. This is called when
    something is opened, not on import, so that importing the node leaves OpenCV as it was. OPENCV_LOG_LEVEL is read
    when cv2 is imported, so the level is set by a call. FFmpeg's level is read once, at the first opening, and only
    from the environment (OpenCV's cap_ffmpeg_impl.hpp), so the variable is the only way; -8 is AV_LOG_QUIET.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", _FFMPEG_QUIET)
    if "OPENCV_LOG_LEVEL" not in os.environ:
        # The function moved between the OpenCV versions that the node supports.
        path = "setLogLevel" if hasattr(cv2, "setLogLevel") else "utils.logging.setLogLevel"
        attrgetter(path)(cv2)(0)


class Capture:
    """An open file, stream or device.

    Args:
        target: a path, a URL, or the number of a device.
        backend: one of cv2's CAP_ constants; never whichever happens to work first.
        refusal: the error message if it cannot be opened.
        options: values for opening, by cv2's CAP_PROP_ constants.

    Raises:
        CameraError: it cannot be opened.
    """

    def __init__(
        self, target: str | int, backend: int, refusal: str, options: Mapping[int, float] | None = None
    ) -> None:
        silence()
        flat = [int(number) for pair in (options or {}).items() for number in pair]
        try:
            self._capture = cv2.VideoCapture(target, backend, flat)
        except cv2.error as error:
            raise CameraError(refusal) from error
        if not self._capture.isOpened():
            raise CameraError(refusal)

    def set(self, prop: int, value: float) -> None:
        """Request a value of a property; a device uses the nearest that it supports."""
        self._capture.set(prop, value)

    def get(self, prop: int) -> float:
        """Return a property; 0 if it does not exist."""
        return self._capture.get(prop)

    def size_flaw(self) -> str | None:
        """Return what is wrong with the size of the frames to come; None if nothing is, or it is not known yet."""
        return size_flaw(self.get(cv2.CAP_PROP_FRAME_WIDTH), self.get(cv2.CAP_PROP_FRAME_HEIGHT))

    def read(self) -> Frame | None:
        """Return the next frame, as it came if it has a flaw; None if there is none."""
        found, image = self._capture.read()
        if not found:
            return None
        frame = Frame(cast("Image", image))
        return frame if flaw(frame) else Frame(rgb(image))

    def close(self) -> None:
        """Release it; closing twice is fine."""
        self._capture.release()


def rgb(image: cv2.typing.MatLike) -> Image:
    """Return OpenCV's BGR as RGB, shape (height, width, 3), uint8, contiguous, in memory of its own."""
    return cast("Image", cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
