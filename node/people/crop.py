"""An aligned face -> a PNG file named by the hash of its pixels, and back, so that a changed file is detected."""

import hashlib
from typing import cast

import cv2

from node.camera import png
from node.domain import Image

_MAX_PX = 512
"""Most pixels of each side: the limit of a network's input."""

MAX_BYTES = 1 << 20
"""Most bytes of a file: more than a crop of the largest size takes without compression."""


def encode(image: Image) -> tuple[str, bytes]:
    """Return the file name and the content for a crop, shape (height, width, 3), uint8, RGB."""
    content = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()
    return f"{_digest(image)}.png", content


def decode(name: str, content: bytes) -> Image:
    """Return the crop in a file, shape (height, width, 3), uint8, RGB.

    Raises:
        ValueError: it is not a PNG, too large, damaged, or does not match its name; the message says which.
    """
    if len(content) > MAX_BYTES:
        raise ValueError(f"{len(content)} bytes, more than {MAX_BYTES}")
    head = png.header(content)
    if head.length != len(content):
        raise ValueError("not a plain PNG")
    if not (0 < head.width <= _MAX_PX and 0 < head.height <= _MAX_PX):
        raise ValueError(f"{head.width}x{head.height} pixels, more than {_MAX_PX} each way")
    image = png.pixels(content)
    if name != f"{_digest(image)}.png":
        raise ValueError("its pixels do not match its name")
    return image


def fitted(image: Image, size: tuple[int, int]) -> Image:
    """Return a crop resized to (height, width), shape (height, width, 3), uint8, RGB."""
    if image.shape[:2] == size:
        return image
    shrinks = size[0] * size[1] < image.shape[0] * image.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cast("Image", cv2.resize(image, size[::-1], interpolation=interpolation))


def _digest(image: Image) -> str:
    return hashlib.sha256(image.tobytes()).hexdigest()[:16]
