"""A picture file -> its pixels, upright."""

import stat
from collections.abc import Container
from pathlib import Path

import cv2
import numpy as np

from node.camera import png
from node.camera.opencv import rgb, silence
from node.domain import Image
from node.errors import CameraError

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
"""Endings, in small letters, of the files that are taken for pictures when a folder is read."""

_STARTS = (b"\xff\xd8\xff", png.SIGNATURE, b"BM", b"II*\0", b"MM\0*")
"""How JPEG, PNG, BMP and TIFF begin, of either order of bytes."""


def list_files(path: Path, endings: Container[str] = PICTURES, *, nested: bool = False) -> list[Path]:
    """Return the files of a folder by name; what is no folder, or cannot be looked at, is returned: reading says why.

    Args:
        path: a folder or a file.
        endings: which files of a folder, in small letters; hidden files are none of them.
        nested: also those of the folders in it.

    Raises:
        CameraError: the folder cannot be listed.
    """
    try:
        if not stat.S_ISDIR(path.stat().st_mode):
            return [path]
    except OSError:
        return [path]
    try:
        entries = list(path.iterdir())  # `rglob` passes over a folder that it may not enter without a word
        return sorted(
            file
            for file in (path.rglob("*") if nested else entries)
            if file.suffix.lower() in endings and not file.name.startswith(".") and file.is_file()
        )
    except OSError as error:
        raise CameraError(f"{path}: {error.strerror or error}: name a folder that can be read") from error


def read_picture(path: Path) -> Image:
    """Return a picture, shape (height, width, 3), uint8, RGB, turned as its EXIF data says.

    Raises:
        CameraError: the file cannot be read or is no picture.
    """
    silence()
    try:
        content = path.read_bytes()
        if content.startswith(png.SIGNATURE):
            png.header(content)
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if _is_picture(content) else None
    except OSError as error:
        raise CameraError(f"{path}: {error.strerror or error}: name a readable picture") from error
    except ValueError as error:
        raise CameraError(f"{path}: not a picture that can be read ({error}): copy it again") from error
    except cv2.error as error:  # more pixels than OpenCV agrees to decode
        raise CameraError(f"{path}: not a picture that can be read ({error.err}): use a smaller one") from error
    if picture is None:
        raise CameraError(f"{path}: not a picture that can be read (damaged, or of another kind): use JPEG or PNG")
    return rgb(picture)


def _is_picture(content: bytes) -> bool:
    """Return whether a file begins as one of `PICTURES` does.

    OpenCV goes by the content alone and knows a dozen kinds more. Nobody needs them here, and their decoders are rarely
    looked at: 4.11, the newest beside numpy 1, writes beyond its memory on a forged JPEG 2000 (CVE-2025-53644).
    """
    return content.startswith(_STARTS) or (content.startswith(b"RIFF") and content[8:12] == b"WEBP")
