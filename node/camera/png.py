"""The bytes of a PNG file -> its size in pixels, if its chunks are whole.

This check comes before OpenCV: a small file can claim an image or a chunk that fills the memory, and libpng writes its
complaints to stderr itself.
"""

import struct
import zlib
from dataclasses import dataclass

SIGNATURE = b"\x89PNG\r\n\x1a\n"
"""First bytes of every PNG file."""

_CHUNK = struct.Struct(">I4s")  # length and type; the data and a CRC-32 of type and data follow
_SIZE = struct.Struct(">II")  # width and height: the start of the first chunk's data


@dataclass(frozen=True, slots=True)
class Header:
    """The size that a PNG file states.

    Attributes:
        width: pixels.
        height: pixels.
        length: bytes of the PNG; bytes after them are not part of the image.
    """

    width: int
    height: int
    length: int


def header(content: bytes) -> Header:
    """Return the size that a PNG file states.

    Raises:
        ValueError: it is not a PNG, damaged or truncated; the message says which.
    """
    if not content.startswith(SIGNATURE):
        raise ValueError("not a PNG")
    types: list[bytes] = []
    offset = len(SIGNATURE)
    while not types or types[-1] != b"IEND":
        if len(content) < offset + _CHUNK.size:
            raise ValueError("a truncated PNG")
        length, chunk_type = _CHUNK.unpack_from(content, offset)
        end = offset + _CHUNK.size + length
        if zlib.crc32(content[offset + 4 : end]).to_bytes(4, "big") != content[end : end + 4]:
            raise ValueError("a damaged PNG")
        types.append(chunk_type)
        offset = end + 4
    first = len(SIGNATURE) + _CHUNK.size
    if types[0] != b"IHDR" or len(content) < first + _SIZE.size:
        raise ValueError("not a plain PNG")
    width, height = _SIZE.unpack_from(content, first)
    return Header(width, height, offset)
