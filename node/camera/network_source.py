"""The URL of a network camera -> frames: of a stream, or of a single picture that is fetched again and again."""

import os
import threading
from collections.abc import Callable

import cv2

from node.camera.opencv import Capture
from node.clock import Clock
from node.domain import Frame
from node.errors import CameraError
from node.settings import CameraSettings
from node.system.redaction import redact, scheme_of

_TIMEOUTS_IN_A_READ = 3  # one read of a silent RTSP stream was seen to take this many of FFmpeg's time-outs
_PICTURES = ("http", "https")


class NetworkSource:
    """An open URL.

    Many cameras serve snapshots: a URL that gives one picture and ends. Such a picture is fetched `fps` times a second,
    or as often as the camera answers, but at least twice in `stall_s`. Nothing in a URL tells it from a stream, and
    some cameras accept only one connection at a time, so it is known by what it does, with every picture anew.

    Args:
        url: of the camera.
        settings: of the camera.
        clock: paces the pictures.
        connect: opens the URL in place of FFmpeg.

    Raises:
        CameraError: it cannot be opened.
    """

    def __init__(
        self, url: str, settings: CameraSettings, clock: Clock, connect: Callable[[str, float], Capture] | None = None
    ) -> None:
        self._url = url
        self._stall_s = settings.stall_s
        self._period_s = min(1 / settings.fps, settings.stall_s / 2)
        self._clock = clock
        self._connect = connect or open_url
        self._pause = threading.Event()  # never set: its wait paces the pictures
        self._open()

    def read(self) -> Frame | None:
        """Return the next frame; None at the end of a stream.

        Raises:
            CameraError: a picture cannot be fetched again.
        """
        frame = self._capture.read()
        if frame is None and self._frames == 1 and scheme_of(self._url) in _PICTURES:
            self._capture.close()
            self._pause.wait(max(0.0, self._opened_s + self._period_s - self._clock.now().mono_s))
            self._open()
            frame = self._capture.read()
        self._frames += frame is not None
        return frame

    def close(self) -> None:
        """Close it; closing twice is fine."""
        self._capture.close()

    def _open(self) -> None:
        self._opened_s, self._frames = self._clock.now().mono_s, 0
        self._capture = self._connect(self._url, self._stall_s)


def open_url(url: str, stall_s: float) -> Capture:
    """Open a URL; neither opening nor reading takes much longer than `stall_s`.

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
