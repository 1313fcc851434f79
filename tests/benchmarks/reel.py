"""The media that ship with the program -> frames in which people come and go, as JPEGs that can be shown for ever."""

from pathlib import Path

import cv2
import numpy as np

from node.camera.image_file import read_image
from node.camera.video import read_video
from node.domain import Image

VIEW = (720, 1280)
"""Rows and columns of a frame: what a node asks of a camera unless told otherwise."""
STILLS = range(0, 41, 10)
"""Frames of the clip from which its man is enrolled."""
_WALL = 118
_EMPTY_S, _STILL_S = 2.0, 3.0


def reel(media: Path, fps: float) -> list[bytes]:
    """Return a loop: the man of the clip, a portrait, the man beside another portrait; behind each an empty view."""
    man = [_half(frame) for frame in read_video(media / "carphone.mp4")]
    grace, eileen = (_half(read_image(media / name)) for name in ("grace_hopper.jpg", "astronaut.jpg"))
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


def stills(media: Path, folder: Path) -> None:
    """Write the pictures from which the man of the clip is enrolled."""
    folder.mkdir()
    for number, frame in enumerate(read_video(media / "carphone.mp4")):
        if number in STILLS:
            cv2.imwrite(str(folder / f"{number:03}.png"), cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))


def _half(picture: Image) -> Image:
    """Return a picture in the middle of half a frame, as large as fits."""
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
