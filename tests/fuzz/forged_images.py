"""Sizes and counts -> image files that claim much and hold little."""

import struct
import zlib

EXIF_TURNED = b"\xff\xe1\x00\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
"""A segment of a JPEG that says: turn the image clockwise."""


def forged_jpeg(width: int, height: int, *, scans: int = 0, components: int = 1, marker: int = 0xC2) -> bytes:
    """Return a gray JPEG in which each scan is a few bytes, and takes a decoder through the whole image."""
    parts = [
        _segment(0xDB, b"\0" + bytes([1] * 64)),
        _segment(
            marker,
            struct.pack(">BHHB", 8, height, width, components)
            + b"".join(bytes([number + 1, 0x11, 0]) for number in range(components)),
        ),
        _segment(0xC4, b"\0" + bytes([1] + [0] * 15) + b"\0"),
        _segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\xe0"),
        _segment(
            0xDA,
            bytes([components]) + b"".join(bytes([number + 1, 0]) for number in range(components)) + bytes(3),
        ),
        bytes(64),
        *[_segment(0xDA, bytes([1, 1, 0, 1, 63, 0])) + bytes(4)] * scans,
    ]
    return b"\xff\xd8" + b"".join(parts) + b"\xff\xd9"


def forged_png(width: int, height: int, *, colour: int = 2) -> bytes:
    """Return a PNG of that size without pixels."""
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", head) + png_chunk(b"IDAT", b"") + png_chunk(b"IEND", b"")


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data
