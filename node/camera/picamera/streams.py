"""Settings of a camera -> what a Pi camera is asked for: two sizes, a part of the view, a frame rate; pure."""

from collections.abc import Container

from node.settings import CameraSettings
from node.settings.camera import Crop

Size = tuple[int, int]
"""Width and height, pixels."""

Rectangle = tuple[int, int, int, int]
"""Left, top, width and height, pixels of the sensor."""

_CONTINUOUS = 2  # libcamera's AfModeEnum.Continuous


def main_size(settings: CameraSettings) -> Size:
    """Return the size of the pictures that faces are cut from: as it is set, but even, as libcamera wants it."""
    return settings.width // 2 * 2, settings.height // 2 * 2


def small_size(main: Size, longer_px: int | None) -> Size | None:
    """Return the size of the pictures in which faces are searched; None where the main ones are as small.

    Even, as YUV420 needs it, and of the shape of the main picture to within a pixel, since a box found in one is cut
    from the other.

    Args:
        main: of the main picture.
        longer_px: pixels of the longer side; None: no small picture is wanted.
    """
    if longer_px is None or longer_px >= max(main):
        return None
    scale = longer_px / max(main)
    width, height = (max(2, int(side * scale / 2 + 0.5) * 2) for side in main)
    return min(width, longer_px // 2 * 2), min(height, longer_px // 2 * 2)


def controls(settings: CameraSettings, offered: Container[str]) -> dict[str, object]:
    """Return the controls to begin with; exposure, gain, white balance and the lens are the camera's own affair.

    Args:
        settings: of the camera.
        offered: names of the controls that it has: one with a fixed lens has no AfMode.
    """
    found: dict[str, object] = {}
    if "FrameDurationLimits" in offered:
        duration_us = round(1e6 / settings.fps)
        found["FrameDurationLimits"] = (duration_us, duration_us)
    if "AfMode" in offered:
        found["AfMode"] = _CONTINUOUS
    return found


def patience_s(settings: CameraSettings) -> float:
    """Return the seconds for which a frame is waited for: two frames' time, and half of what makes a camera lost.

    So the one who waits has let go of the camera by the time that it is to be opened again.
    """
    return max(settings.stall_s / 2, min(settings.stall_s, 2 / settings.fps))


def part_of_sensor(sensor: Rectangle, crop: Crop, picture: Size) -> Rectangle:
    """Return the part of the sensor that fills the picture.

    What is shown without a crop is the largest part of the picture's shape around the sensor's middle. Of that, the
    crop names a part; the largest rectangle of the picture's shape around its middle is taken, so that no face is
    squeezed.

    Args:
        sensor: all of it that the present mode reads.
        crop: left, top, width and height in fractions of what is shown without it.
        picture: the size of the main picture.
    """
    left, top, width, height = _fit((*map(float, sensor),), picture)
    part = (left + crop[0] * width, top + crop[1] * height, crop[2] * width, crop[3] * height)
    fitted = [round(number) for number in _fit(part, picture)]
    return fitted[0], fitted[1], fitted[2], fitted[3]


def _fit(part: tuple[float, ...], picture: Size) -> tuple[float, float, float, float]:
    left, top, width, height = part
    scale = min(width / picture[0], height / picture[1])
    fitted = (picture[0] * scale, picture[1] * scale)
    return left + (width - fitted[0]) / 2, top + (height - fitted[1]) / 2, *fitted
