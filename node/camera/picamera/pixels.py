"""A buffer as libcamera fills it -> a picture in RGB, in memory of its own."""

from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt

from node.domain import Image

MAIN_FORMAT = "BGR888"
"""libcamera names the bytes of a pixel from the last to the first: in memory this is RGB, and a copy is enough."""

SMALL_FORMAT = "YUV420"
"""The only kind that the second output of a Pi before the Pi 5 has."""

_CONVERSIONS = {
    "RGB888": cv2.COLOR_BGR2RGB,
    "YUV420": cv2.COLOR_YUV2RGB_I420,
    "NV12": cv2.COLOR_YUV2RGB_NV12,
}
"""What else a camera may give instead of what it is asked for."""

FORMATS = (MAIN_FORMAT, *_CONVERSIONS)
"""All that can be read."""


def to_rgb(buffer: npt.NDArray[np.uint8], pixel_format: str, size: tuple[int, int]) -> Image:
    """Return the picture in a buffer.

    Args:
        buffer: the camera's own memory, in the shape that picamera2 gives it: (height, width, 3) for three bytes a
            pixel, (height * 3 / 2, stride) for YUV420, where a row may be longer than the picture is wide.
        pixel_format: one of FORMATS, by libcamera's names.
        size: (width, height) of the picture, pixels.
    """
    if pixel_format == MAIN_FORMAT:
        return np.array(buffer, np.uint8, order="C")
    picture: Any = cv2.cvtColor(buffer, _CONVERSIONS[pixel_format])
    width = size[0]
    return cast("Image", picture if picture.shape[1] == width else np.ascontiguousarray(picture[:, :width]))
