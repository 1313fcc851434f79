"""An image file -> its pixels, upright."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np

from node.camera.image_header import Content, header
from node.camera.opencv import rgb, silence
from node.camera.orientation import upright
from node.domain import Image
from node.errors import CameraError
from node.system.caller_files import OpenedFile

MAX_BYTES = 64 << 20
"""Most bytes of an image file."""

_FLAGS = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
_LARGE_PIXELS = 1 << 22  # below it, memory is not the reason why an image cannot be decoded


def open_file(path: Path, kind: str, max_bytes: int | None = None) -> BinaryIO:
    """Open a regular file; follow a link, and never wait for a pipe or a device.

    Args:
        path: the file.
        kind: what it should be, such as `image`, for the error.
        max_bytes: its largest size; None: any.

    Raises:
        CameraError: it cannot be read, is not a regular file, or is too large.
    """
    try:
        _check(path, path.stat(), kind, max_bytes)  # before it is opened: opening a device can have effects
        file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    except OSError as error:
        raise CameraError(f"{path}: {error.strerror or error}: name a readable {kind} file") from error
    except ValueError as error:
        raise CameraError(f"{str(path)!r}: {error}: name a readable {kind} file") from error
    try:
        _check(path, os.fstat(file.fileno()), kind, max_bytes)
    except CameraError:
        file.close()
        raise
    return file


def open_image(path: Path) -> OpenedFile:
    """Open an image file, for an `ImageDecoder` to read later.

    Raises:
        CameraError: it cannot be read, is not a regular file, or is too large.
    """
    return OpenedFile(str(path), open_file(path, "image", MAX_BYTES))


def read_image(path: Path) -> Image:
    """Return an image of the program's own, shape (height, width, 3), uint8, RGB, rotated as its EXIF data says.

    Whatever an owner names is read by an `ImageDecoder` instead.

    Raises:
        CameraError: the file cannot be read or is not an image.
    """
    with open_file(path, "image", MAX_BYTES) as file:
        try:
            return rgb(decode_image(file.read(MAX_BYTES)))
        except OSError as error:
            raise CameraError(f"{path}: {error.strerror or error}: name a readable image file") from error
        except ValueError as error:
            raise CameraError(f"{path}: {error}") from error


def decode_image(content: Content) -> cv2.typing.MatLike:
    """Return the image in a file's content, shape (height, width, 3), uint8, BGR, rotated as its EXIF data says.

    A large image is reduced while it is decoded.

    Raises:
        ValueError: it is not an image, or too large; the message is a sentence without the file's name.
    """
    stated = header(content)
    silence()
    large = stated.width * stated.height > _LARGE_PIXELS
    hint = "damaged, or it needs too much memory): use a smaller one" if large else "damaged): copy it again"
    flags = _FLAGS[stated.reduction()]
    if stated.format == "WebP":
        flags |= cv2.IMREAD_IGNORE_ORIENTATION  # whether OpenCV obeys it depends on its version
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    except (cv2.error, MemoryError) as error:
        raise ValueError(f"not a readable image ({hint}") from error
    if image is None or not image.size:
        raise ValueError(f"not a readable image ({hint}")
    return upright(image, stated.orientation)


def _check(path: Path, status: os.stat_result, kind: str, max_bytes: int | None) -> None:
    """Refuse what is not a regular file, or is too large."""
    if not stat.S_ISREG(status.st_mode):
        names = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}
        what = names.get(stat.S_IFMT(status.st_mode), "a device")
        raise CameraError(f"{path}: is {what}, not a file: name a readable {kind} file")
    if max_bytes is not None and status.st_size > max_bytes:
        size, most = -(-status.st_size // 1_000_000), max_bytes // 1_000_000
        raise CameraError(f"{path}: {size} MB, more than {most} MB: use a smaller {kind} file")
