"""`video:PATH_OR_URL` -> a video file played to its end, or a live stream."""

import os
from functools import partial
from pathlib import Path

import cv2

from node.camera.camera import Camera
from node.camera.capture_thread import Opener, Source
from node.camera.live import LiveCamera
from node.camera.opencv import Capture
from node.camera.replay import Replay
from node.camera.video_file import VideoFile, read_video
from node.clock import Clock
from node.errors import CameraError
from node.settings import CameraSettings
from node.settings.redaction import SCHEMES, redact, scheme_of

__all__ = ["VideoFile", "connect", "open_video", "read_video"]

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


def connect(url: str, stall_s: float) -> Source:
    """Open a stream; neither opening nor reading takes much longer than `stall_s`.

    RTSP uses TCP, since over UDP a busy Wi-Fi corrupts images. OpenCV passes options to FFmpeg only through the
    environment; an owner's own OPENCV_FFMPEG_CAPTURE_OPTIONS is left as it is.

    Raises:
        CameraError: it cannot be opened; FFmpeg does not report why. Or its frames are too large.
    """
    os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")
    capture = Capture(
        url,
        cv2.CAP_FFMPEG,
        f"video:{redact(url)}: cannot be opened: check the address, the password and that the camera is on",
        {
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: 1000 * stall_s,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC: 1000 * max(1.0, stall_s / _TIMEOUTS_IN_A_READ),
        },
    )
    if wrong := capture.size_flaw():
        capture.close()
        raise CameraError(f"video:{redact(url)}: gives {wrong}: choose a smaller stream in the camera's settings")
    return capture
