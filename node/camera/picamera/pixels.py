"""A buffer filled by libcamera -> an RGB image in memory of its own."""

from typing import Any, cast

import cv2
import numpy as np
import numpy.typing as npt

from node.domain import Image

MAIN_FORMAT = "BGR888"
"""libcamera names the bytes of a pixel from last to first: in memory this is RGB, so a copy is enough."""

SMALL_FORMAT = "YUV420"
"""The only format of the second output of a Pi older than the Pi 5."""

_CONVERSIONS = {
    "RGB888": cv2.COLOR_BGR2RGB,
    "YUV420": cv2.COLOR_YUV2RGB_I420,
    "NV12": cv2.COLOR_YUV2RGB_NV12,
}
"""Other formats that a camera may give instead of the requested one."""

FORMATS = (MAIN_FORMAT, *_CONVERSIONS)
"""All formats that `to_rgb` reads."""


def to_rgb(buffer: npt.NDArray[np.uint8], pixel_format: str, size: tuple[int, int]) -> Image:
    """Return the image in a buffer, shape (height, width, 3), uint8, RGB; one without pixels if there is none in it.

    Args:
        buffer: the camera's own memory, in the shape that picamera2 gives it: (height, width, 3) for three bytes a
            pixel, (height * 3 / 2, stride) for YUV420, where a row may be longer than the image is wide.
        pixel_format: one of FORMATS, as libcamera names it.
        size: (width, height) of the image, pixels.
    """
    if pixel_format == MAIN_FORMAT:
        return np.array(buffer, np.uint8, order="C")
    try:
        image: Any = cv2.cvtColor(buffer, _CONVERSIONS[pixel_format])
    except cv2.error:
        return np.empty((0, 0, 3), np.uint8)
    width = size[0]
    return cast("Image", image if image.shape[1] == width else np.ascontiguousarray(image[:, :width]))
