"""The pixel formats of a camera's buffers."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_picamera import fill

from node.camera.image_file import read_image
from node.camera.picamera.pixels import FORMATS, to_rgb

EXACT = {"BGR888", "RGB888"}


@pytest.mark.parametrize("pixel_format", FORMATS)
@pytest.mark.parametrize("size", [(128, 96), (90, 62)])
def test_an_image_is_read_from_each_format_with_its_colours(
    pixel_format: str, size: tuple[int, int], media_dir: Path
) -> None:
    """Also from padded rows; an image stored as YUV differs by at most 8 gray levels on average."""
    picture = np.asarray(cv2.resize(read_image(media_dir / "astronaut.jpg"), size, interpolation=cv2.INTER_AREA))
    buffer = fill(picture.astype(np.uint8), {"format": pixel_format, "size": size})
    made = to_rgb(buffer, pixel_format, size)
    assert made.shape == picture.shape
    difference = np.abs(made.astype(int) - picture)
    assert difference.max() == 0 if pixel_format in EXACT else difference.mean() < 8


@pytest.mark.parametrize("pixel_format", FORMATS)
@pytest.mark.parametrize("size", [(128, 96), (90, 62)])
def test_an_image_does_not_share_the_buffer(pixel_format: str, size: tuple[int, int]) -> None:
    """The camera overwrites the buffer with the next frame."""
    buffer = fill(np.full((size[1], size[0], 3), 200, np.uint8), {"format": pixel_format, "size": size})
    made = to_rgb(buffer, pixel_format, size)
    kept = made.copy()
    buffer[...] = 0
    assert np.array_equal(made, kept)
    assert made.flags.c_contiguous
    assert made.flags.owndata
