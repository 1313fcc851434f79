"""The bytes of a PNG file -> its size in pixels, if its parts are whole.

Looked at before OpenCV is: a small file can claim a picture, or a part of a file, that fills the memory, and libpng
writes what it does not like to stderr by itself.
"""

import struct
import zlib
from dataclasses import dataclass

SIGNATURE = b"\x89PNG\r\n\x1a\n"
"""What every PNG file begins with."""

_CHUNK = struct.Struct(">I4s")  # length and kind; the data and a CRC-32 of kind and data follow
_SIZE = struct.Struct(">II")  # width and height: how the data of the first chunk begins


@dataclass(frozen=True, slots=True)
class Header:
    """What a PNG file says of itself.

    Attributes:
        width: pixels across.
        height: pixels down.
        length: bytes of the file; what follows them is not the picture's.
    """

    width: int
    height: int
    length: int


def header(content: bytes) -> Header:
    """Return what a PNG file says of itself.

    Raises:
        ValueError: it is no PNG, damaged or cut short; the message says which.
    """
    if not content.startswith(SIGNATURE):
        raise ValueError("not a PNG")
    kinds: list[bytes] = []
    place = len(SIGNATURE)
    while not kinds or kinds[-1] != b"IEND":
        if len(content) < place + _CHUNK.size:
            raise ValueError("a PNG that is cut short")
        length, kind = _CHUNK.unpack_from(content, place)
        end = place + _CHUNK.size + length
        if zlib.crc32(content[place + 4 : end]).to_bytes(4, "big") != content[end : end + 4]:
            raise ValueError("a damaged PNG")
        kinds.append(kind)
        place = end + 4
    first = len(SIGNATURE) + _CHUNK.size
    if kinds[0] != b"IHDR" or len(content) < first + _SIZE.size:
        raise ValueError("not a plain PNG")
    width, height = _SIZE.unpack_from(content, first)
    return Header(width, height, place)
