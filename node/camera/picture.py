"""A picture file -> its pixels, upright."""

from pathlib import Path

import cv2
import numpy as np

from node.camera.capture import rgb, silence
from node.domain import Image
from node.errors import CameraError

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
"""Endings, in small letters, of the files that are taken for pictures when a folder is read."""


def read_picture(path: Path) -> Image:
    """Return a picture, shape (height, width, 3), uint8, RGB, turned as its EXIF data says.

    Raises:
        CameraError: the file cannot be read or is no picture.
    """
    silence()
    try:
        content = path.read_bytes()
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    except OSError as error:
        raise CameraError(f"{path}: {error.strerror or error}: name a readable picture") from error
    except cv2.error as error:  # more pixels than OpenCV agrees to decode
        raise CameraError(f"{path}: not a picture that can be read ({error.err}): use a smaller one") from error
    if picture is None:
        raise CameraError(f"{path}: not a picture that can be read (damaged, or of another kind): use JPEG or PNG")
    return rgb(picture)
