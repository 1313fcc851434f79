"""The names that a node takes from libcamera, beside the fake picamera2."""

from typing import NamedTuple


class Transform(NamedTuple):
    """Flips of the picture."""

    hflip: bool = False
    vflip: bool = False


class ColorSpace:
    """Color spaces of YUV."""

    @staticmethod
    def Smpte170m() -> str:  # noqa: N802 - libcamera's name
        """Return the color space of BT.601."""
        return "Smpte170m"
