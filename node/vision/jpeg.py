"""An image, or the part of it around a face -> a JPEG of limited size, without metadata."""

from typing import cast

import cv2
import numpy as np

from node.domain import Box, Image
from node.vision.masks import NO_MASKS, Masks, Window

MAX_BYTES = 128 * 1024
"""Default limit for the size of a file, bytes."""

_FRAME_PX, _FACE_PX, _PORTRAIT_PX = 1280, 480, 160
"""Most pixels of the longer side, of a whole frame, of a face, and of a small portrait."""

PORTRAIT_BYTES = 16 * 1024
"""Limit for the size of a small portrait, bytes."""

_MARGIN = 0.5
"""Margin at each side of a face, as a share of its width and height: hair and shoulders, and little of the room."""

_QUALITIES = (85, 70, 50, 30)
_SHRINK = 0.7


def frame_jpeg(image: Image, max_bytes: int = MAX_BYTES, masks: Masks = NO_MASKS) -> bytes:
    """Return a whole image, shape (height, width, 3), uint8, RGB, as JPEG; what is masked is gray."""
    return _encode(masks.covered(image), _FRAME_PX, max_bytes)


def still_jpeg(image: Image, masks: Masks, max_bytes: int = MAX_BYTES) -> bytes:
    """Return a whole image, shape (height, width, 3), uint8, RGB, as JPEG, with its masks drawn on it."""
    return _encode(masks.drawn(image), _FRAME_PX, max_bytes)


def face_jpeg(image: Image, box: Box, max_bytes: int = MAX_BYTES, masks: Masks = NO_MASKS) -> bytes:
    """Return the part around a face as JPEG, clipped at the edge of the image.

    Args:
        image: shape (height, width, 3), uint8, RGB.
        box: the face, in fractions of the image.
        max_bytes: limit for the size of the file.
        masks: what is gray in the picture.
    """
    return _encode(masks.covered(image, _around(image, box)), _FACE_PX, max_bytes)


def portrait_jpeg(image: Image, box: Box, masks: Masks = NO_MASKS) -> bytes:
    """Return the part around a face as a JPEG of at most 160 pixels a side and 16 kB: enough to recognize a person."""
    return _encode(masks.covered(image, _around(image, box)), _PORTRAIT_PX, PORTRAIT_BYTES)


def _around(image: Image, box: Box) -> Window:
    height, width = image.shape[:2]
    return slice(*_span(box.top, box.height, height)), slice(*_span(box.left, box.width, width))


def _span(start: float, length: float, pixels: int) -> tuple[int, int]:
    """Return the first pixel and the one after the last; the span has at least one pixel of the image."""
    first = min(max(int(np.floor((start - _MARGIN * length) * pixels)), 0), pixels - 1)
    return first, min(max(int(np.ceil((start + (1 + _MARGIN) * length) * pixels)), first + 1), pixels)


def _encode(image: Image, longest_px: int, max_bytes: int) -> bytes:
    """Lower the quality, then the number of pixels, until the file is small enough."""
    scale = min(1.0, longest_px / max(image.shape[:2]))
    while True:
        bgr = cv2.cvtColor(_scaled(image, scale), cv2.COLOR_RGB2BGR)
        for quality in _QUALITIES:
            content = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
            if len(content) <= max_bytes or max(bgr.shape[:2]) == 1:
                return content
        scale *= _SHRINK


def _scaled(image: Image, scale: float) -> Image:
    if scale >= 1:
        return np.ascontiguousarray(image)
    height, width = image.shape[:2]
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cast("Image", cv2.resize(image, size, interpolation=cv2.INTER_AREA))
