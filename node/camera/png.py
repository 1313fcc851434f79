"""The bytes of a PNG file -> its size in pixels, if its chunks are whole, and the pixels of a plain one.

The check comes before OpenCV: a small file can claim an image or a chunk that fills the memory, and libpng writes its
complaints to stderr itself. Crops, which a file from another node may bring, are decoded here and not by OpenCV.
"""

import struct
import zlib
from dataclasses import dataclass
from mmap import mmap

import numpy as np
import numpy.typing as npt

from node.domain import Image

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


_PLAIN = bytes((8, 2, 0, 0, 0))
"""8 bits a color, RGB, and the only compression, filters and order of rows that the gallery writes."""

_CHANNELS = 3


def header(content: bytes | mmap) -> Header:
    """Return the size that a PNG file states.

    Raises:
        ValueError: it is not a PNG, damaged or truncated; the message says which.
    """
    with memoryview(content) as view:
        return _header(view)


def _header(view: memoryview) -> Header:
    if view[: len(SIGNATURE)] != SIGNATURE:
        raise ValueError("not a PNG")
    types: list[bytes] = []
    offset = len(SIGNATURE)
    while not types or types[-1] != b"IEND":
        if len(view) < offset + _CHUNK.size:
            raise ValueError("a truncated PNG")
        length, chunk_type = _CHUNK.unpack_from(view, offset)
        end = offset + _CHUNK.size + length
        if zlib.crc32(view[offset + 4 : end]).to_bytes(4, "big") != view[end : end + 4]:
            raise ValueError("a damaged PNG")
        types.append(chunk_type)
        offset = end + 4
    first = len(SIGNATURE) + _CHUNK.size
    if types[0] != b"IHDR" or len(view) < first + _SIZE.size:
        raise ValueError("not a plain PNG")
    width, height = _SIZE.unpack_from(view, first)
    return Header(width, height, offset)


def pixels(content: bytes) -> Image:
    """Return the image in a PNG of 8 bits a color without transparency, shape (height, width, 3), uint8, RGB.

    It takes the memory that its header states: whoever calls it compares the size with a bound first.

    Raises:
        ValueError: it is damaged, or of another kind; the message says which.
    """
    head = header(content)
    kind = len(SIGNATURE) + _CHUNK.size + _SIZE.size
    if content[kind : kind + len(_PLAIN)] != _PLAIN:
        raise ValueError("not a plain PNG")
    stride = head.width * _CHANNELS
    try:
        inflater = zlib.decompressobj()
        rows = inflater.decompress(_data(content), head.height * (stride + 1))
    except zlib.error as error:
        raise ValueError("an unreadable PNG") from error
    if len(rows) != head.height * (stride + 1) or not rows:
        raise ValueError("an unreadable PNG")
    filtered = np.frombuffer(rows, np.uint8).reshape(head.height, stride + 1)
    image = np.zeros((head.height + 1, head.width, _CHANNELS), np.uint8)  # above the first row all is zero
    for number, row in enumerate(filtered):
        image[number + 1] = _unfiltered(int(row[0]), row[1:].reshape(head.width, _CHANNELS), image[number])
    return image[1:].copy()


def _data(content: bytes) -> bytes:
    """Return the compressed rows: the data of all IDAT chunks."""
    parts: list[bytes] = []
    offset = len(SIGNATURE)
    while offset < len(content):
        length, chunk_type = _CHUNK.unpack_from(content, offset)
        if chunk_type == b"IDAT":
            parts.append(content[offset + _CHUNK.size : offset + _CHUNK.size + length])
        offset += _CHUNK.size + length + 4
    return b"".join(parts)


def _unfiltered(kind: int, row: Image, above: Image) -> npt.NDArray[np.uint8]:
    """Return a row as it was before the encoder filtered it (PNG specification, section 9), shape (width, 3)."""
    match kind:
        case 0:
            return row
        case 1:
            return np.cumsum(row, axis=0, dtype=np.uint8)
        case 2:
            return row + above
        case 3 | 4:
            return _predicted(row.tolist(), above.tolist(), average=kind == 3)  # noqa: PLR2004 - the filter's number
        case _:
            raise ValueError("an unreadable PNG")


def _predicted(row: list[list[int]], above: list[list[int]], *, average: bool) -> npt.NDArray[np.uint8]:
    """Undo the filters Average and Paeth, in which each pixel depends on the one before it."""
    found, left, corner = [], [0] * _CHANNELS, [0] * _CHANNELS
    for pixel, over in zip(row, above, strict=True):
        guesses = [(a + b) // 2 if average else _paeth(a, b, c) for a, b, c in zip(left, over, corner, strict=True)]
        left, corner = [(value + guess) & 0xFF for value, guess in zip(pixel, guesses, strict=True)], over
        found.append(left)
    return np.array(found, np.uint8)


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min((left, above, corner), key=lambda value: abs(guess - value))  # of equals, the first
