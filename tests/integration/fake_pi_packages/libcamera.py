"""What a node takes from libcamera: names alone, for the stand-in beside it."""

from typing import NamedTuple


class Transform(NamedTuple):
    """How the picture is turned."""

    hflip: bool = False
    vflip: bool = False


class ColorSpace:
    """What YUV means."""

    @staticmethod
    def Smpte170m() -> str:  # noqa: N802 - libcamera's name
        """Return that of BT.601."""
        return "Smpte170m"
