"""A video file -> its frames, upright, with their times."""

import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import cv2

from node.camera.frame_check import flaw
from node.camera.opencv import Capture
from node.camera.orientation import AS_STORED, upright
from node.camera.track_header import stated_orientation
from node.domain import Image
from node.errors import CameraError

_BY_ANGLE = {90.0: 6, 180.0: 3, 270.0: 8}
"""Orientation by the turn that FFmpeg read, degrees clockwise: for containers whose headers are not read here."""

_LONGEST_GAP_S = 86_400.0  # a larger step between two frames is a damaged timestamp


def read_video(path: Path) -> Iterator[Image]:
    """Yield every frame of a file, shape (height, width, 3), uint8, RGB, upright.

    Raises:
        CameraError: the file cannot be played.
    """
    with closing(VideoFile(path)) as file:
        while item := file.read():
            yield item[1]


class VideoFile:
    """A video file, frame by frame with its own timestamps, each turned as the file says.

    If a container has no timestamps (raw H.264 or MJPEG), or one that does not advance, a frame follows the previous
    one after one period of the frame rate that the file states.

    Args:
        path: the file.

    Raises:
        CameraError: it does not exist, cannot be read, or is not a video.
    """

    def __init__(self, path: Path) -> None:
        self._name = f"video:{path}"
        try:
            mode = path.stat().st_mode
            stated = None
            if stat.S_ISREG(mode):
                with path.open("rb") as file:  # OpenCV does not report why it cannot open a file
                    stated = stated_orientation(file)
        except OSError as error:
            raise CameraError(f"{self._name}: {error.strerror or error}: correct camera.source") from error
        if stat.S_ISDIR(mode):
            raise CameraError(f"{self._name}: is a folder: set a video file, or use images:{path}")
        if not stat.S_ISREG(mode):
            raise CameraError(f"{self._name}: is a device or a pipe: set a video file")
        self._capture = Capture(
            str(path), cv2.CAP_FFMPEG, f"{self._name}: is not a video: set one that ffprobe can read"
        )
        if wrong := self._capture.size_flaw():
            self._capture.close()
            raise CameraError(f"{self._name}: has {wrong}: re-encode it smaller")
        self._capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)  # its default depends on the version
        angle = self._capture.get(cv2.CAP_PROP_ORIENTATION_META)
        self._orientation = _BY_ANGLE.get(angle, AS_STORED) if stated is None else stated
        self._last_s: float | None = None

    def read(self) -> tuple[float, Image] | None:
        """Return the presentation time of the next frame in seconds, and the frame; None at the end.

        Raises:
            CameraError: the file contains no frame at all, or neither timestamps nor a frame rate.
        """
        frame = self._capture.read()
        if frame is None:
            if self._last_s is None:
                raise CameraError(f"{self._name}: no frame can be decoded: re-encode it, or set another file")
            return None
        self._last_s = self._presentation_s(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        return self._last_s, frame.image if flaw(frame) else cast("Image", upright(frame.image, self._orientation))

    def close(self) -> None:
        """Release the file; closing twice is fine."""
        self._capture.close()

    def _presentation_s(self, stated_s: float) -> float:
        last_s = self._last_s
        if last_s is None:
            return stated_s if 0 <= stated_s < _LONGEST_GAP_S else 0.0
        if last_s < stated_s < last_s + _LONGEST_GAP_S:
            return stated_s
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        if not rate > 0:
            raise CameraError(f"{self._name}: has neither timestamps nor a frame rate: re-encode it as MP4")
        return last_s + 1 / rate
