"""Settings of a camera -> the request to a Pi camera: two sizes, a crop, a frame rate. Pure."""

from collections.abc import Container

from node.settings import CameraSettings
from node.settings.camera import Crop

Size = tuple[int, int]
"""Width and height, pixels."""

Rectangle = tuple[int, int, int, int]
"""Left, top, width and height, pixels of the sensor."""

_CONTINUOUS = 2  # libcamera's AfModeEnum.Continuous


def main_size(settings: CameraSettings) -> Size:
    """Return the size of the images that faces are cropped from: the configured one, made even for libcamera."""
    return settings.width // 2 * 2, settings.height // 2 * 2


def small_size(main: Size, longer_px: int | None) -> Size | None:
    """Return the size of the images in which faces are searched; None if the main images are as small.

    The size is even, as YUV420 requires, and has the aspect ratio of the main image to within a pixel, since a box
    found in one is cropped from the other.

    Args:
        main: size of the main image.
        longer_px: pixels of the longer side; None: no small image.
    """
    if longer_px is None or longer_px >= max(main):
        return None
    scale = longer_px / max(main)
    width, height = (max(2, int(side * scale / 2 + 0.5) * 2) for side in main)
    return min(width, longer_px // 2 * 2), min(height, longer_px // 2 * 2)


def controls(settings: CameraSettings, offered: Container[str]) -> dict[str, object]:
    """Return the controls to start with; the camera itself sets exposure, gain, white balance and focus.

    Args:
        settings: of the camera.
        offered: names of the controls that it has: a camera with a fixed lens has no AfMode.
    """
    found: dict[str, object] = {}
    if "FrameDurationLimits" in offered:
        duration_us = round(1e6 / settings.fps)
        found["FrameDurationLimits"] = (duration_us, duration_us)
    if "AfMode" in offered:
        found["AfMode"] = _CONTINUOUS
    return found


def frame_timeout_s(settings: CameraSettings) -> float:
    """Return the seconds to wait for a frame: the time of two frames, but at least half of `stall_s` and at most all.

    So the reader has released the camera by the time it is reopened.
    """
    return max(settings.stall_s / 2, min(settings.stall_s, 2 / settings.fps))


def unturned(crop: Crop, rotate: int) -> Crop:
    """Return the part of the camera's own view that is this part of the view turned by `rotate` degrees clockwise."""
    left, top, width, height = crop
    return {
        0: crop,
        90: (top, 1 - left - width, height, width),
        180: (1 - left - width, 1 - top - height, width, height),
        270: (1 - top - height, left, height, width),
    }[rotate]


def part_of_sensor(sensor: Rectangle, crop: Crop, image: Size) -> Rectangle:
    """Return the part of the sensor that fills the image.

    Without a crop the image shows the largest part of the sensor that has its aspect ratio, around the center. The
    crop selects a rectangle of that part. Of this rectangle the result is the largest part that has the aspect ratio
    of the image, around its center, so that no face is distorted.

    Args:
        sensor: the area that the current mode reads.
        crop: left, top, width and height in fractions of the view without it.
        image: size of the main image.
    """
    left, top, width, height = _fit((*map(float, sensor),), image)
    part = (left + crop[0] * width, top + crop[1] * height, crop[2] * width, crop[3] * height)
    fitted = [round(number) for number in _fit(part, image)]
    return fitted[0], fitted[1], fitted[2], fitted[3]


def _fit(part: tuple[float, ...], image: Size) -> tuple[float, float, float, float]:
    left, top, width, height = part
    scale = min(width / image[0], height / image[1])
    fitted = (image[0] * scale, image[1] * scale)
    return left + (width - fitted[0]) / 2, top + (height - fitted[1]) / 2, *fitted
