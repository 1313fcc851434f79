"""`images:PATH` -> a picture, or a folder's pictures in the order of their names, as a finite source."""

from collections.abc import Iterator
from pathlib import Path

from node.camera.camera import Camera
from node.camera.image_file import PICTURES, list_files, read_picture
from node.camera.replay import Replay
from node.clock import Clock
from node.domain import Image
from node.errors import CameraError
from node.settings import CameraSettings


def open_images(path: Path, settings: CameraSettings, clock: Clock) -> Camera:
    """Open a picture or a folder of them; `fps` sets the pace of the timestamps alone.

    Raises:
        CameraError: there is none.
    """
    path = path.expanduser()
    return Replay(f"images:{path}", Album(list_pictures(path), settings.fps), clock)


def list_pictures(path: Path) -> list[Path]:
    """Return the file itself, or the pictures of a folder (not of folders in it) sorted by name.

    Raises:
        CameraError: the path is missing, or the folder cannot be listed or holds no picture.
    """
    try:
        path.stat()
        found = list_files(path)
    except OSError as error:
        raise CameraError(f"images:{path}: {error.strerror or error}: correct camera.source") from error
    except CameraError as error:
        raise CameraError(f"images:{error}") from error
    if not found:
        raise CameraError(f"images:{path}: holds no picture ({' '.join(sorted(PICTURES))}): name another folder")
    return found


class Album:
    """Pictures read one after the other, the n-th at n / fps seconds.

    Args:
        paths: the files in order.
        fps: pictures a second.
    """

    def __init__(self, paths: list[Path], fps: float) -> None:
        self._paths: Iterator[tuple[int, Path]] = iter(list(enumerate(paths)))
        self._fps = fps

    def read(self) -> tuple[float, Image] | None:
        """Return the next picture's presentation time in seconds and the picture; None at the end.

        Raises:
            CameraError: it cannot be read: a folder with something unreadable is not passed over in silence.
        """
        item = next(self._paths, None)
        if item is None:
            return None
        number, path = item
        return number / self._fps, read_picture(path)

    def close(self) -> None:
        """Forget what is left."""
        self._paths = iter(())
