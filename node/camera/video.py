"""`video:PATH_OR_URL` -> a video file played to its end, or a live stream."""

import os
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import cv2

from node.camera.camera import Camera
from node.camera.capture_thread import Opener, Source
from node.camera.live import LiveCamera
from node.camera.opencv import Capture
from node.camera.replay import Replay
from node.clock import Clock
from node.domain import Image
from node.errors import CameraError
from node.settings import CameraSettings
from node.settings.redaction import SCHEMES, redact, scheme_of

VIDEO_SUFFIXES = frozenset({".mp4", ".m4v", ".mkv", ".mov", ".avi", ".webm", ".ts", ".h264", ".mjpeg"})
"""Suffixes, in lower case, of the files in a folder that are read as videos."""

_LONGEST_GAP_S = 86_400.0  # a larger step between two frames is a damaged timestamp
_TIMEOUTS_IN_A_READ = 3  # one read of a silent RTSP stream was seen to take this many of FFmpeg's time-outs


def open_video(target: str, settings: CameraSettings, clock: Clock, opener: Opener | None = None) -> Camera:
    """Open a file or a URL.

    Args:
        target: the path of a file, or a URL with one of redaction.SCHEMES.
        settings: of the camera.
        clock: gives every moment.
        opener: opens the stream of a URL in place of FFmpeg.

    Raises:
        CameraError: the file cannot be played, or the scheme of the URL is not supported.
    """
    scheme = scheme_of(target)
    if scheme is None:
        path = Path(target).expanduser()
        return Replay(f"video:{path}", VideoFile(path), clock)
    name = f"video:{redact(target)}"
    if scheme not in SCHEMES:
        raise CameraError(f"{name}: {scheme} streams are not supported: set a path, or a URL with {', '.join(SCHEMES)}")
    return LiveCamera(name, opener or partial(connect, target, settings.stall_s), clock, settings)


def read_video(path: Path) -> Iterator[Image]:
    """Yield every frame of a file, shape (height, width, 3), uint8, RGB.

    Raises:
        CameraError: the file cannot be played.
    """
    with closing(VideoFile(path)) as file:
        while item := file.read():
            yield item[1]


def connect(url: str, stall_s: float) -> Source:
    """Open a stream; neither opening nor reading takes much longer than `stall_s`.

    RTSP uses TCP, since over UDP a busy Wi-Fi corrupts images. OpenCV passes options to FFmpeg only through the
    environment; an owner's own OPENCV_FFMPEG_CAPTURE_OPTIONS is left as it is.

    Raises:
        CameraError: it cannot be opened; FFmpeg does not report why.
    """
    os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")
    return Capture(
        url,
        cv2.CAP_FFMPEG,
        f"video:{redact(url)}: cannot be opened: check the address, the password and that the camera is on",
        {
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: 1000 * stall_s,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC: 1000 * max(1.0, stall_s / _TIMEOUTS_IN_A_READ),
        },
    )


class VideoFile:
    """A video file, frame by frame with its own timestamps.

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
            path.open("rb").close()  # OpenCV does not report why it cannot open a file
        except IsADirectoryError as error:
            raise CameraError(f"{self._name}: is a folder: set a video file, or use images:{path}") from error
        except OSError as error:
            raise CameraError(f"{self._name}: {error.strerror or error}: correct camera.source") from error
        self._capture = Capture(
            str(path), cv2.CAP_FFMPEG, f"{self._name}: is not a video: set one that ffprobe can read"
        )
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
        return self._last_s, frame.image

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
