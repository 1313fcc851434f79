"""`video:PATH_OR_URL` -> a clip played to its end, or a live stream."""

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

VIDEOS = frozenset({".mp4", ".m4v", ".mkv", ".mov", ".avi", ".webm", ".ts", ".h264", ".mjpeg"})
"""Endings, in small letters, of the files that are taken for clips when a folder is read."""

_LONGEST_GAP_S = 86_400.0  # a greater step between two frames is a damaged timestamp
_TIMEOUTS_IN_A_READ = 3  # as often FFmpeg's time-out was seen to pass within one read of a silent RTSP stream


def open_video(target: str, settings: CameraSettings, clock: Clock, opener: Opener | None = None) -> Camera:
    """Open a file or a URL.

    Args:
        target: the path of a file, or a URL with one of address.SCHEMES.
        settings: of the camera.
        clock: gives every moment.
        opener: opens the stream of a URL in place of FFmpeg.

    Raises:
        CameraError: the file cannot be played, or the URL is of a kind that cannot.
    """
    scheme = scheme_of(target)
    if scheme is None:
        path = Path(target).expanduser()
        return Replay(f"video:{path}", Film(path), clock)
    name = f"video:{redact(target)}"
    if scheme not in SCHEMES:
        raise CameraError(f"{name}: no {scheme} streams: give a path, or a URL of {', '.join(SCHEMES)}")
    return LiveCamera(name, opener or partial(connect, target, settings.stall_s), clock, settings)


def read_video(path: Path) -> Iterator[Image]:
    """Yield every frame of a file, shape (height, width, 3), uint8, RGB.

    Raises:
        CameraError: the file cannot be played.
    """
    with closing(Film(path)) as film:
        while item := film.read():
            yield item[1]


def connect(url: str, stall_s: float) -> Source:
    """Open a stream; neither opening nor reading takes much longer than `stall_s`.

    RTSP goes over TCP, since over UDP a busy Wi-Fi tears pictures apart. OpenCV hands options to FFmpeg by the
    environment alone; an owner's own OPENCV_FFMPEG_CAPTURE_OPTIONS is left as it is.

    Raises:
        CameraError: it cannot be opened; why, FFmpeg does not tell OpenCV.
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


class Film:
    """A video file, frame by frame with its own timestamps.

    Where a container has none (raw H.264 or MJPEG), or one that does not advance, a frame follows its predecessor by
    one frame of the rate that the file states.

    Args:
        path: the file.

    Raises:
        CameraError: it is missing, may not be read, or is no video.
    """

    def __init__(self, path: Path) -> None:
        self._name = f"video:{path}"
        try:
            path.open("rb").close()  # OpenCV does not tell why it cannot open
        except IsADirectoryError as error:
            raise CameraError(f"{self._name}: is a folder: name a video file, or use images:{path}") from error
        except OSError as error:
            raise CameraError(f"{self._name}: {error.strerror or error}: correct camera.source") from error
        self._capture = Capture(str(path), cv2.CAP_FFMPEG, f"{self._name}: is no video: name one that ffprobe can read")
        self._last_s: float | None = None

    def read(self) -> tuple[float, Image] | None:
        """Return the next frame's presentation time in seconds and the frame; None at the end.

        Raises:
            CameraError: the file holds no frame at all, or nothing tells its frames' times.
        """
        frame = self._capture.read()
        if frame is None:
            if self._last_s is None:
                raise CameraError(f"{self._name}: not one frame can be decoded: re-encode it, or name another")
            return None
        self._last_s = self._follow(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        return self._last_s, frame.image

    def close(self) -> None:
        """Let go of the file; twice is fine."""
        self._capture.close()

    def _follow(self, stated_s: float) -> float:
        last_s = self._last_s
        if last_s is None:
            return stated_s if 0 <= stated_s < _LONGEST_GAP_S else 0.0
        if last_s < stated_s < last_s + _LONGEST_GAP_S:
            return stated_s
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        if not rate > 0:
            raise CameraError(f"{self._name}: has neither timestamps nor a frame rate: re-encode it as MP4")
        return last_s + 1 / rate
