"""`images:PATH` -> an image file, or the image files of a folder sorted by name, as a finite source."""

import logging
from collections.abc import Iterator
from pathlib import Path

from node.camera.camera import Camera
from node.camera.decoder_process import DecoderProcess
from node.camera.folder import find_files
from node.camera.image_decoder import ImageDecoder
from node.camera.replay import Replay
from node.clock import Clock
from node.domain import Image
from node.errors import CameraError
from node.settings import CameraSettings

_log = logging.getLogger(__name__)


def open_images(path: Path, settings: CameraSettings, clock: Clock) -> Camera:
    """Open an image file or a folder of them; `fps` only sets the timestamps.

    Raises:
        CameraError: there is no image.
    """
    return Replay(f"images:{path}", ImageFiles(list_images(path), settings.fps, DecoderProcess()), clock)


def list_images(path: Path) -> list[Path]:
    """Return the file itself, or the image files of a folder (not of folders inside it) sorted by name.

    What else the folder holds is logged in one line.

    Raises:
        CameraError: the path does not exist, or the folder cannot be listed or contains no image.
    """
    try:
        path.stat()
        found = find_files(path)
    except OSError as error:
        raise CameraError(f"images:{path}: {error.strerror or error}: correct camera.source") from error
    except CameraError as error:
        raise CameraError(f"images:{error}") from error
    if others := found.not_used():
        _log.warning("images:%s: %s", path, others)
    if not found.files:
        raise CameraError(f"images:{path}: contains no image: name another folder")
    return [file for file, _ in found.files]


class ImageFiles:
    """Image files read one after the other, the n-th at n / fps seconds.

    Args:
        paths: the files in order.
        fps: images per second.
        decoder: decodes them; it is closed with them.
    """

    def __init__(self, paths: list[Path], fps: float, decoder: ImageDecoder) -> None:
        self._paths: Iterator[tuple[int, Path]] = iter(list(enumerate(paths)))
        self._fps = fps
        self._decoder = decoder

    def read(self) -> tuple[float, Image] | None:
        """Return the presentation time of the next image in seconds, and the image; None at the end.

        Raises:
            CameraError: the image cannot be read. Unreadable files are never skipped silently.
        """
        item = next(self._paths, None)
        if item is None:
            self._decoder.close()
            return None
        number, path = item
        return number / self._fps, self._decoder.decode(path)

    def close(self) -> None:
        """Drop the images not read yet."""
        self._paths = iter(())
        self._decoder.close()
