"""The first bytes of an image file -> its format, its size, and how far it must be reduced to fit into memory.

This comes before OpenCV: a small file can claim an image that fills the memory. Formats that nobody needs are refused
here, too. OpenCV goes by the content alone and knows a dozen more, whose decoders get little review: 4.11, the last
version for numpy 1, writes out of bounds on a forged JPEG 2000 (CVE-2025-53644).
"""

import struct
from dataclasses import dataclass
from mmap import mmap

from node.camera import png
from node.camera.orientation import AS_STORED, exif_orientation

Content = bytes | mmap
"""The content of a file."""

MAX_PIXELS = 1 << 24
"""Most pixels of an image, once it is reduced: 16.8 megapixels, which take 50 MB."""

DECODING_BYTES = 128 << 20
"""Most memory that decoding an image may take."""

MAX_STATED_PIXELS = 1 << 28
"""Most pixels that a file may state: phones take 200 megapixels."""

_REDUCTIONS = (1, 2, 4, 8)
_MAX_SEGMENTS = 4096
_MAX_EXIF_BYTES = 1 << 16
_STANDALONE = {0x00, 0x01, *range(0xD0, 0xD9)}  # JPEG markers without a length; FF 00 is no marker
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
_SCAN, _END = 0xDA, 0xD9
_BLOCK_PX = 8
_WIDTH, _HEIGHT = 256, 257  # tags of TIFF
_SHORT, _LONG = 3, 4
_OLD_BMP_HEADER = 12


@dataclass(frozen=True, slots=True)
class Header:
    """What the first bytes of an image file state.

    Attributes:
        format: `JPEG`, `PNG`, `BMP`, `WebP` or `TIFF`.
        width: pixels.
        height: pixels.
        coefficients: bytes that a JPEG decoder keeps until the last scan; 0 for a file of one scan.
        orientation: of a WebP, 1..8 as EXIF numbers it; OpenCV turns the others.
    """

    format: str
    width: int
    height: int
    coefficients: int = 0
    orientation: int = AS_STORED

    def reduction(self) -> int:
        """Return the smallest of 1, 2, 4 and 8 by which width and height must be divided.

        A JPEG decoder divides while it decodes; the others decode everything first, and are only halved. One more copy
        of the result is made where the file says that the image is to be rotated.

        Raises:
            ValueError: it has no pixels, or does not fit into the memory allowed however far it is reduced.
        """
        stated = self.width * self.height
        if not stated:
            raise ValueError(f"not a readable image ({self.width}x{self.height} pixels): copy it again")
        if stated <= MAX_STATED_PIXELS:
            for divisor in _REDUCTIONS if self.format == "JPEG" else _REDUCTIONS[:2]:
                pixels = -(-self.width // divisor) * -(-self.height // divisor)
                whole = 3 * stated if self.format != "JPEG" and divisor > 1 else 0
                if pixels <= MAX_PIXELS and self.coefficients + whole + 6 * pixels <= DECODING_BYTES:
                    return divisor
        kind = "progressive " if self.coefficients else ""
        raise ValueError(
            f"not a readable image ({kind}{self.format} of {self.width}x{self.height} pixels): use a smaller one"
        )


def header(content: Content) -> Header:
    """Return what an image file states.

    Raises:
        ValueError: it is damaged, or of another format; the message is a sentence without the file's name.
    """
    start = content[:16]
    try:
        if start.startswith(b"\xff\xd8\xff"):
            return _jpeg(content)
        if start.startswith(png.SIGNATURE):
            stated = png.header(content)
            return Header("PNG", stated.width, stated.height)
        if start.startswith(b"BM"):
            return _bmp(content)
        if start.startswith(b"RIFF") and start[8:12] == b"WEBP":
            return _webp(content)
        if start.startswith((b"II*\0", b"MM\0*")):
            return _tiff(content)
    except (struct.error, IndexError) as error:
        raise ValueError("not a readable image (damaged or truncated): copy it again") from error
    except ValueError as error:
        raise ValueError(f"not a readable image ({error}): copy it again") from error
    raise ValueError("not a readable image (damaged, or of another format): use JPEG or PNG")


def _jpeg(content: Content) -> Header:
    """Follow the segments up to the first scan (ITU-T T.81, annex B)."""
    place, found = 2, None
    for _ in range(_MAX_SEGMENTS):
        place = content.find(b"\xff", place)
        while place >= 0 and content[place] == 0xFF:  # noqa: PLR2004 - any number of FF may come before a marker
            place += 1
        if place < 0:
            break
        marker = content[place]
        place += 1
        if marker in _STANDALONE:
            continue
        if marker == _END:
            break
        (length,) = struct.unpack(">H", content[place : place + 2])
        segment = content[place + 2 : place + length]
        place += length
        if marker in _FRAMES:
            found = (marker, segment)
        elif marker == _SCAN and found:
            return _jpeg_frame(*found, scanned=segment[0])
    raise ValueError("a damaged JPEG")


def _jpeg_frame(marker: int, segment: bytes, scanned: int) -> Header:
    """Return the size, and the memory for coefficients of 16 bits where the first scan does not hold everything."""
    height, width, components = struct.unpack(">xHHB", segment[:6])
    sampling = [(segment[7 + 3 * number] >> 4, segment[7 + 3 * number] & 15) for number in range(components)]
    most = [max((pair[side] for pair in sampling), default=0) for side in (0, 1)]
    if not min((*most, *(number for pair in sampling for number in pair)), default=0):
        raise ValueError("a damaged JPEG")
    kept = 0
    if marker in _PROGRESSIVE or scanned < components:
        kept = 2 * sum(
            _padded(width * across / most[0]) * _padded(height * down / most[1]) for across, down in sampling
        )
    return Header("JPEG", width, height, kept)


def _padded(length: float) -> int:
    """Return a length in whole blocks, one more at the edge."""
    return (int(length / _BLOCK_PX) + 2) * _BLOCK_PX


def _bmp(content: Content) -> Header:
    (size,) = struct.unpack("<I", content[14:18])
    if size == _OLD_BMP_HEADER:
        return Header("BMP", *struct.unpack("<HH", content[18:22]))
    width, height = struct.unpack("<ii", content[18:26])
    return Header("BMP", abs(width), abs(height))  # a negative height: the rows run from top to bottom


def _webp(content: Content) -> Header:
    """Read the first chunk, and the one with EXIF (RFC 9649)."""
    orientation = AS_STORED
    match content[12:16]:
        case b"VP8X":
            orientation = _webp_orientation(content)
            width, height = (int.from_bytes(content[place : place + 3], "little") + 1 for place in (24, 27))
        case b"VP8L":
            (bits,) = struct.unpack("<I", content[21:25])
            width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            width, height = (side & 0x3FFF for side in struct.unpack("<HH", content[26:30]))
        case _:
            raise ValueError("a damaged WebP")
    return Header("WebP", width, height, orientation=orientation)


def _webp_orientation(content: Content) -> int:
    """Return the orientation in the chunk EXIF, which OpenCV obeys from 4.12 on only."""
    place = 12
    for _ in range(_MAX_SEGMENTS):
        kind, size = content[place : place + 4], int.from_bytes(content[place + 4 : place + 8], "little")
        if kind == b"EXIF":
            return exif_orientation(content[place + 8 : place + 8 + min(size, _MAX_EXIF_BYTES)])
        place += 8 + size + size % 2
        if place >= len(content):
            break
    return AS_STORED


def _tiff(content: Content) -> Header:
    """Read the first directory (TIFF 6.0, section 2)."""
    order = "<" if content[:1] == b"I" else ">"
    (place,) = struct.unpack(f"{order}I", content[4:8])
    (count,) = struct.unpack(f"{order}H", content[place : place + 2])
    sides = {}
    for number in range(count):
        entry = content[place + 2 + 12 * number : place + 14 + 12 * number]
        tag, kind = struct.unpack(f"{order}HH", entry[:4])
        if tag in (_WIDTH, _HEIGHT) and kind in (_SHORT, _LONG):
            (sides[tag],) = (
                struct.unpack(f"{order}H", entry[8:10]) if kind == _SHORT else struct.unpack(f"{order}I", entry[8:12])
            )
    if len(sides) != 2:  # noqa: PLR2004 - width and height
        raise ValueError("a damaged TIFF")
    return Header("TIFF", sides[_WIDTH], sides[_HEIGHT])
