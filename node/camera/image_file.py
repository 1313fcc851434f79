"""An image file -> its pixels, upright."""

import stat
from collections.abc import Container
from pathlib import Path

import cv2
import numpy as np

from node.camera import png
from node.camera.opencv import rgb, silence
from node.domain import Image
from node.errors import CameraError
from node.system.caller_files import OpenedFile, open_for_caller

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
"""Suffixes, in lower case, of the files in a folder that are read as images."""

_SIGNATURES = (b"\xff\xd8\xff", png.SIGNATURE, b"BM", b"II*\0", b"MM\0*")
"""First bytes of JPEG, PNG, BMP and TIFF, the last in either byte order."""


def list_files(path: Path, suffixes: Container[str] = IMAGE_SUFFIXES, *, nested: bool = False) -> list[Path]:
    """Return the files of a folder, sorted by name; return any other path as it is, and let the reader report it.

    Args:
        path: a folder or a file.
        suffixes: which files of a folder to return, in lower case; hidden files are never returned.
        nested: also search the folders inside it.

    Raises:
        CameraError: the folder cannot be listed.
    """
    try:
        if not stat.S_ISDIR(path.stat().st_mode):
            return [path]
    except OSError:
        return [path]
    try:
        entries = list(path.iterdir())  # `rglob` silently skips a folder that it may not enter
        return sorted(
            file
            for file in (path.rglob("*") if nested else entries)
            if file.suffix.lower() in suffixes and not file.name.startswith(".") and file.is_file()
        )
    except OSError as error:
        raise CameraError(f"{path}: {error.strerror or error}: name a readable folder") from error


def open_image(path: Path) -> OpenedFile:
    """Open an image file, to read it with `read_image` later.

    Raises:
        CameraError: it cannot be opened.
    """
    try:
        return open_for_caller(path)
    except OSError as error:
        raise CameraError(f"{path}: {error.strerror or error}: name a readable image file") from error


def read_image(path: Path | OpenedFile) -> Image:
    """Return an image, shape (height, width, 3), uint8, RGB, rotated as its EXIF data says.

    Args:
        path: of the file; or the opened file, which this closes.

    Raises:
        CameraError: the file cannot be read or is not an image.
    """
    silence()
    try:
        content = path.read_bytes()
        if content.startswith(png.SIGNATURE):
            png.header(content)
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if _is_image(content) else None
    except OSError as error:
        raise CameraError(f"{path}: {error.strerror or error}: name a readable image file") from error
    except ValueError as error:
        raise CameraError(f"{path}: not a readable image ({error}): copy it again") from error
    except cv2.error as error:  # more pixels than OpenCV decodes
        raise CameraError(f"{path}: not a readable image ({error.err}): use a smaller one") from error
    if image is None:
        raise CameraError(f"{path}: not a readable image (damaged, or of another format): use JPEG or PNG")
    return rgb(image)


def _is_image(content: bytes) -> bool:
    """Return whether the content is of a format in `IMAGE_SUFFIXES`.

    OpenCV goes by the content alone and knows a dozen more formats. Nobody needs them here, and their decoders get
    little review: 4.11, the last version for numpy 1, writes out of bounds on a forged JPEG 2000 (CVE-2025-53644).
    """
    return content.startswith(_SIGNATURES) or (content.startswith(b"RIFF") and content[8:12] == b"WEBP")
