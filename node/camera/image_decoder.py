"""Files that an owner names -> their images, whoever decodes them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from node.domain import Image
from node.system.caller_files import OpenedFile


class ImageDecoder(Protocol):
    """Decodes image files and video files that do not come from the camera."""

    def decode(self, photo: Path | OpenedFile) -> Image:
        """Return the image in a file, shape (height, width, 3), uint8, RGB, rotated as its EXIF data says.

        A large image is reduced.

        Args:
            photo: path of the file; or the opened file, which this closes.

        Raises:
            CameraError: the file cannot be read, or is not an image.
        """
        ...

    def frames(self, path: Path) -> Iterator[Image]:
        """Yield every frame of a video file, shape (height, width, 3), uint8, RGB.

        Raises:
            CameraError: the file cannot be read, or is not a video.
        """
        ...

    def close(self) -> None:
        """Release what the decoder holds; closing twice is fine."""
        ...
