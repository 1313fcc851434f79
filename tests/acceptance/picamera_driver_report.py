"""The node's driver on the real picamera2 -> a report as JSON lines; runs inside a root."""

import gc
import inspect
import json
import logging
import sys
import threading
from itertools import islice
from pathlib import Path

import cv2
import libcamera
import virtual_camera

from node.camera import open_camera
from node.camera.camera import Camera
from node.clock import SystemClock
from node.domain import Frame
from node.settings import CameraSettings

_SMALL_PX = 640


def _open(**settings: object) -> Camera:
    given = {"source": "picamera", "width": 1280, "height": 720, **settings}
    return open_camera(CameraSettings.model_validate(given), SystemClock(), _SMALL_PX)


def _frames(camera: Camera, count: int) -> list[Frame]:
    return list(islice((tick.frame for tick in camera if tick.frame), count))


def _problem(camera: Camera) -> str | None:
    """Return the first problem; a process that has had no frame waits for the camera, and does not end for minutes."""
    return next((camera.problem for _ in islice(camera, 100) if camera.problem), None)


def _report(case: str, **found: object) -> None:
    sys.stdout.write(json.dumps({"case": case, **found}) + "\n")


def _report_frames(kept: Path) -> None:
    """Open the camera three times; report frames, threads and open files of each opening."""
    for opening in range(3):
        with _open() as camera:
            frames = _frames(camera, 5)
        gc.collect()  # picamera2 leaves reference cycles that keep files open
        threads = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
        small = frames[-1].small
        _report(
            "frames",
            opening=opening,
            count=len(frames),
            main=frames[-1].image.shape,
            small=None if small is None else small.shape,
            threads=threads,
            files=len(list(Path("/proc/self/fd").iterdir())),
        )
    cv2.imwrite(str(kept / "main.png"), cv2.cvtColor(frames[-1].image, cv2.COLOR_RGB2BGR))
    if small is not None:
        cv2.imwrite(str(kept / "small.png"), cv2.cvtColor(small, cv2.COLOR_RGB2BGR))


def _report_stall() -> None:
    """Stop the camera behind the driver's back, as a loose cable does."""
    import picamera2  # noqa: PLC0415 - only after the virtual camera is installed

    with _open(stall_s=1, restart_after=100) as camera:
        _frames(camera, 2)
        stopped = picamera2.Picamera2.latest
        stopped.stop()
        seen: list[str | None] = []
        for tick in islice(camera, 200):
            seen.append(camera.problem)
            if tick.frame and picamera2.Picamera2.latest is not stopped:
                break
        _report("stall", problems=sorted({problem for problem in seen if problem}), again=camera.problem is None)


def _report_busy() -> None:
    """Open the camera while it is in use, and again once it is free."""
    with _open() as first:
        _frames(first, 1)
        with _open() as second:
            _report("busy", error=_problem(second))
    with _open() as third:
        _report("free again", count=len(_frames(third, 1)))


def _report_crop() -> None:
    with _open(crop=(0, 0, 0.5, 0.5)) as camera:
        _report("crop", error=_problem(camera))


def _report_names() -> None:
    """Report the names that the driver takes from both packages but the virtual camera lacks."""
    import picamera2  # noqa: PLC0415 - only after the virtual camera is installed

    real = picamera2.Picamera2.__mro__[1]
    _report(
        "names",
        options=sorted(inspect.signature(real.create_video_configuration).parameters),
        capture=sorted(inspect.signature(real.capture_request).parameters),
        methods=[name for name in ("cancel_all_and_flush", "close", "set_controls", "start") if hasattr(real, name)],
        continuous=int(libcamera.controls.AfModeEnum.Continuous),
        controls={
            name: str(getattr(libcamera.controls, name).type)
            for name in ("AfMode", "FrameDurationLimits", "ScalerCrop")
        },
        transforms=[str(libcamera.Transform(hflip=flip, vflip=flip)) for flip in (False, True)],
        formats=[str(libcamera.PixelFormat(name)) for name in ("BGR888", "RGB888", "YUV420", "NV12")],
    )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    virtual_camera.install()
    _report_names()
    _report_frames(Path(sys.argv[1]))
    _report_stall()
    _report_busy()
    _report_crop()
