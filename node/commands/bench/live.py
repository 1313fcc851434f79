"""The camera of the settings, and a node that watches a clip -> frames a second, and milliseconds to a subscriber."""

import tempfile
from pathlib import Path
from statistics import median

from node.camera import open_camera
from node.camera.connected import connected_cameras
from node.camera.frame_check import CheckedCamera
from node.clock import SystemClock
from node.commands.bench.share import CameraFigures, camera_kind
from node.commands.demo.command import demo_settings, enrol
from node.commands.demo.embedded_broker import EmbeddedBroker
from node.commands.demo.playing import play
from node.errors import FacenodeError
from node.settings import Settings

_FIRST_FRAME_S, _COUNT_S = 10.0, 5.0


def camera_figures(settings: Settings) -> CameraFigures | None:
    """Return what the camera gives within five seconds of its first frame; None if it gives nothing, or is no camera.

    A clip or pictures have no rate of their own, and so are not counted.
    """
    if not settings.camera.source.startswith(("picamera", "webcam", "video:http", "video:rtsp")):
        return None
    clock = SystemClock()
    began_s = clock.now().mono_s
    first_s: float | None = None
    size, frames = tuple[int, ...](), 0
    try:
        with CheckedCamera(open_camera(settings.camera, clock, settings.detector.width)) as camera:
            for tick in camera:
                now_s = clock.now().mono_s
                if tick.frame is not None:
                    if first_s is None:
                        first_s, size = now_s, tick.frame.image.shape
                    else:
                        frames += 1
                if now_s - (began_s if first_s is None else first_s) > (
                    _FIRST_FRAME_S if first_s is None else _COUNT_S
                ):
                    break
    except FacenodeError:
        return None
    if first_s is None or not frames:
        return None
    names = {each.source: each.name for each in connected_cameras()}
    kind = camera_kind(settings.camera.source, names.get(settings.camera.source))
    return CameraFigures(kind, size[1], size[0], frames / _COUNT_S)


def clip_latency_ms(settings: Settings) -> float | None:
    """Return the median milliseconds from the deciding frame of the demo's clip to a subscriber; None if none came."""
    try:
        with tempfile.TemporaryDirectory(prefix="facenode-bench-") as folder, EmbeddedBroker() as broker:
            own = demo_settings(settings, Path(folder), broker.port)
            enrol(own)
            events = play(own)
    except FacenodeError:
        return None
    return median(event.latency_ms for event in events) if events else None
