"""OpenCV's VideoCapture -> frames in RGB, with its own chatter off."""

import os
from collections.abc import Mapping
from operator import attrgetter
from typing import cast

import cv2

from node.domain import Frame, Image
from node.errors import CameraError


def silence() -> None:
    """Turn off what OpenCV and FFmpeg print by themselves, unless the environment asks for it.

    They write to stderr past every logger, and FFmpeg prints addresses with their passwords. Called when something
    is opened, not on import: whoever only imports the node keeps OpenCV as it was. OPENCV_LOG_LEVEL is read when cv2
    is imported, so the level is set by call; FFmpeg's is read once, at the first opening, and only from the
    environment (OpenCV's cap_ffmpeg_impl.hpp), so the variable is the only way; -8 is AV_LOG_QUIET.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    if "OPENCV_LOG_LEVEL" not in os.environ:
        # The function has moved between the versions of OpenCV that the node runs with.
        place = "setLogLevel" if hasattr(cv2, "setLogLevel") else "utils.logging.setLogLevel"
        attrgetter(place)(cv2)(0)


class Capture:
    """An opened file, stream or device.

    Args:
        target: a path, a URL, or the number of a device.
        backend: one of cv2's CAP_ constants; never the first that happens to work.
        refusal: the message if it cannot be opened.
        options: values by cv2's CAP_PROP_ constants, needed for opening.

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
        """Ask for a property; a device takes the nearest that it has."""
        self._capture.set(prop, value)

    def get(self, prop: int) -> float:
        """Return a property; 0 where there is none."""
        return self._capture.get(prop)

    def read(self) -> Frame | None:
        """Return the next frame; None if there is none."""
        there, picture = self._capture.read()
        return Frame(rgb(picture)) if there else None

    def close(self) -> None:
        """Let go of it; twice is fine."""
        self._capture.release()


def rgb(picture: cv2.typing.MatLike) -> Image:
    """Return OpenCV's BGR as RGB, contiguous, in memory of its own."""
    return cast("Image", cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
