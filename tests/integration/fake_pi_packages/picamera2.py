"""A file that says what the camera does -> a fake `picamera2` package, for a node in its own process.

`$PI_CAMERA/mode` is `plays`, `silent` (no frame comes, and a waiting reader times out) or `hangs` (a waiting reader
waits forever); `$PI_CAMERA/openings` gets a line with the time of each opening. It plays `$PI_CAMERA/picture`, an image
of any size that may be replaced at any time, or without one an empty wall.
"""

import os
import threading
import time
from pathlib import Path

import cv2
import numpy as np
from fake_picamera import FakePicamera2, Sensor, package

from node.domain import Image

_FOLDER = Path(os.environ["PI_CAMERA"])
_EVERY_S = 0.05
_NEVER = threading.Event()


def _picture() -> Image:
    """Return the picture in the middle of a wall."""
    wall = np.full((480, 640, 3), 90, np.uint8)
    path = _FOLDER / "picture"
    found = cv2.imread(str(path)) if path.exists() else None
    if found is not None:
        height, width = found.shape[:2]
        scale = min(480 / height, 640 / width)
        scaled = cv2.resize(found, (int(width * scale), int(height * scale)), interpolation=cv2.INTER_AREA)
        left = (640 - scaled.shape[1]) // 2
        wall[: scaled.shape[0], left : left + scaled.shape[1]] = cv2.cvtColor(scaled, cv2.COLOR_BGR2RGB)
    return wall


def _show() -> Image | None:
    match (_FOLDER / "mode").read_text():
        case "plays":
            _NEVER.wait(_EVERY_S)
            return _picture()
        case "silent":
            return None
        case _:
            _NEVER.wait()
            return None


_SENSOR = Sensor(_show)


class Picamera2(FakePicamera2):
    """The fake camera."""

    def __init__(self, number: int) -> None:
        with (_FOLDER / "openings").open("a") as journal:
            journal.write(f"{number} {time.monotonic()}\n")
        super().__init__(_SENSOR)

    @staticmethod
    def global_camera_info() -> list[dict[str, object]]:
        """Return the list of cameras, which has one."""
        return [{"Model": "imx219", "Location": 2, "Rotation": 180, "Id": "/base/soc/i2c0mux/imx219@10", "Num": 0}]


MappedArray = package(_SENSOR).mapped
