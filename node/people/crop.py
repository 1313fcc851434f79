"""An aligned face -> a PNG file named by the hash of its pixels, and back: what was changed or swapped is seen."""

import hashlib
from typing import cast

import cv2
import numpy as np

from node.camera import png
from node.camera.opencv import rgb, silence
from node.domain import Image

_MAX_PX = 512
"""Pixels across and down at the most: the bound of a network's input."""

MAX_BYTES = 1 << 20
"""Bytes of a file at the most: more than a crop of the greatest size takes without compression."""


def encode(image: Image) -> tuple[str, bytes]:
    """Return the name and the content of the file of a crop, shape (height, width, 3), uint8, RGB."""
    content = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()
    return f"{_digest(image)}.png", content


def decode(name: str, content: bytes) -> Image:
    """Return the crop that a file holds, shape (height, width, 3), uint8, RGB.

    Raises:
        ValueError: it is no PNG, too large, damaged, or not what its name says; the message says which.
    """
    if len(content) > MAX_BYTES:
        raise ValueError(f"{len(content)} bytes, above {MAX_BYTES}")
    head = png.header(content)
    if head.length != len(content):
        raise ValueError("not a plain PNG")
    if not (0 < head.width <= _MAX_PX and 0 < head.height <= _MAX_PX):
        raise ValueError(f"{head.width}x{head.height} pixels, above {_MAX_PX}")
    silence()
    try:
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise ValueError("a PNG that cannot be read") from error
    if picture is None:
        raise ValueError("a PNG that cannot be read")
    image = rgb(picture)
    if name != f"{_digest(image)}.png":
        raise ValueError("its pixels are not those that its name was made of")
    return image


def fitted(image: Image, size: tuple[int, int]) -> Image:
    """Return a crop in the (height, width) of another network's input, shape (height, width, 3), uint8, RGB."""
    if image.shape[:2] == size:
        return image
    shrinks = size[0] * size[1] < image.shape[0] * image.shape[1]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cast("Image", cv2.resize(image, size[::-1], interpolation=way))


def _digest(image: Image) -> str:
    return hashlib.sha256(image.tobytes()).hexdigest()[:16]
