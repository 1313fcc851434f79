"""The turn that a file states, as EXIF numbers it -> the image upright."""

import struct
from collections.abc import Callable

import cv2

AS_STORED = 1
"""The orientation of an image that is stored upright."""

_ORIENTATIONS = range(1, 9)
_TAG, _SHORT, _ENTRY_BYTES = 0x112, 3, 12
_PREFIX = b"Exif\0\0"

_TURNS: dict[int, Callable[[cv2.typing.MatLike], cv2.typing.MatLike]] = {
    2: lambda image: cv2.flip(image, 1),
    3: lambda image: cv2.rotate(image, cv2.ROTATE_180),
    4: lambda image: cv2.flip(image, 0),
    5: cv2.transpose,
    6: lambda image: cv2.rotate(image, cv2.ROTATE_90_CLOCKWISE),
    7: lambda image: cv2.rotate(cv2.transpose(image), cv2.ROTATE_180),
    8: lambda image: cv2.rotate(image, cv2.ROTATE_90_COUNTERCLOCKWISE),
}


def upright(image: cv2.typing.MatLike, orientation: int) -> cv2.typing.MatLike:
    """Return an image, shape (height, width, ...), turned and mirrored as its orientation says.

    Args:
        image: as stored.
        orientation: 1..8 (CIPA DC-008, tag Orientation).
    """
    turn = _TURNS.get(orientation)
    return turn(image) if turn else image


def exif_orientation(content: bytes) -> int:
    """Return the orientation in a block of EXIF; 1 where it is damaged or states none.

    Args:
        content: a TIFF header and its first directory, with or without `Exif` before it.
    """
    content = content.removeprefix(_PREFIX)
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(content[:4])
    if order is None:
        return AS_STORED
    try:
        (place,) = struct.unpack_from(f"{order}I", content, 4)
        (count,) = struct.unpack_from(f"{order}H", content, place)
        for number in range(count):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", content, place + 2 + _ENTRY_BYTES * number)
            if tag == _TAG:
                return value if kind == _SHORT and value in _ORIENTATIONS else AS_STORED
    except struct.error:
        pass
    return AS_STORED
