"""`video:PATH_OR_URL` -> a video file played to its end, or a network camera."""

from functools import partial
from pathlib import Path

from node.camera.camera import Camera
from node.camera.capture_thread import Opener
from node.camera.live import LiveCamera
from node.camera.network_source import NetworkSource
from node.camera.replay import Replay
from node.camera.video_file import VideoFile, read_video
from node.clock import Clock
from node.errors import CameraError
from node.settings import CameraSettings
from node.system.redaction import SCHEMES, redact, scheme_of

__all__ = ["VideoFile", "open_video", "read_video"]


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
        path = Path(target)
        return Replay(f"video:{path}", VideoFile(path), clock)
    name = f"video:{redact(target)}"
    if scheme not in SCHEMES:
        raise CameraError(f"{name}: {scheme} streams are not supported: set a path, or a URL with {', '.join(SCHEMES)}")
    return LiveCamera(name, opener or partial(NetworkSource, target, settings, clock), clock, settings)
