"""The media that ship with the program -> JPEG frames in which people come and go, for playing in a loop."""

from pathlib import Path

import cv2
import numpy as np

from node.camera.image_file import read_image
from node.camera.video import read_video
from node.domain import Image

VIEW = (720, 1280)
"""Rows and columns of a frame: a node's default."""
STILLS = range(0, 41, 10)
"""Frames of the clip that enroll its man."""
_WALL = 118
_EMPTY_S, _STILL_S = 2.0, 3.0


def looped_frames(media: Path, fps: float) -> list[bytes]:
    """Return the frames: the man of the clip, a portrait, both side by side; after each an empty view."""
    man = [_half_frame(frame) for frame in read_video(media / "carphone.mp4")]
    grace, eileen = (_half_frame(read_image(media / name)) for name in ("grace_hopper.jpg", "astronaut.jpg"))
    still, empty = round(_STILL_S * fps), round(_EMPTY_S * fps)
    wall = np.full_like(grace, _WALL)
    pause = [_jpeg(wall, wall)] * empty
    return [
        *(_jpeg(frame, wall) for frame in man),
        *pause,
        *[_jpeg(wall, grace)] * still,
        *pause,
        *(_jpeg(frame, eileen) for frame in man),
        *pause,
    ]


def write_stills(media: Path, folder: Path) -> None:
    """Write the pictures that enroll the man of the clip."""
    folder.mkdir()
    for number, frame in enumerate(read_video(media / "carphone.mp4")):
        if number in STILLS:
            cv2.imwrite(str(folder / f"{number:03}.png"), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))


def _half_frame(picture: Image) -> Image:
    """Return a picture centered in half a frame, as large as fits."""
    rows, columns = VIEW[0], VIEW[1] // 2
    scale = min(rows / picture.shape[0], columns / picture.shape[1])
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    half = np.full((rows, columns, 3), _WALL, np.uint8)
    top, left = (rows - size[1]) // 2, (columns - size[0]) // 2
    half[top : top + size[1], left : left + size[0]] = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return half


def _jpeg(left: Image, right: Image) -> bytes:
    frame = cv2.cvtColor(np.hstack((left, right)), cv2.COLOR_RGB2BGR)
    content: bytes = cv2.imencode(".jpg", frame)[1].tobytes()
    return content
