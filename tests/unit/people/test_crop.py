"""Crops: the enrolled face is read back, and anything else is refused."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from samples import crop

from node.people.crop import decode, encode, fitted


def test_a_crop_survives_its_file() -> None:
    """Pixels are unchanged."""
    name, content = encode(crop(1))
    np.testing.assert_array_equal(decode(name, content), crop(1))


def test_a_file_changed_by_hand_is_refused() -> None:
    """Another image under the same name is not the face that was enrolled."""
    name, _ = encode(crop(1))
    with pytest.raises(ValueError, match="do not match its name"):
        decode(name, encode(crop(2))[1])
    with pytest.raises(ValueError, match="do not match its name"):
        decode(name, encode(crop(1)[:-1])[1])


def test_every_damaged_byte_and_every_truncation_is_detected(capfd: pytest.CaptureFixture[str]) -> None:
    """Each is refused with a reason, and no library writes to the terminal itself."""
    name, content = encode(crop(1, 8))
    for place in range(len(content)):
        spoilt = bytearray(content)
        spoilt[place] ^= 0x55
        for damaged in (bytes(spoilt), content[:place]):
            with pytest.raises(ValueError, match=r"PNG|pixels"):
                decode(name, damaged)
    assert capfd.readouterr().err == ""


def test_another_image_format_is_refused() -> None:
    """Only the format that the gallery writes is read."""
    jpeg = cv2.imencode(".jpg", crop(1))[1].tobytes()
    with pytest.raises(ValueError, match="not a PNG"):
        decode("0.png", jpeg)


def test_a_small_file_with_a_huge_image_is_refused_before_it_is_decoded() -> None:
    """Its header says 50000 x 50000 pixels: 7.5 GB."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    with pytest.raises(ValueError, match="50000x50000 pixels"):
        decode("0.png", content)


def test_a_crop_is_resized_for_another_network() -> None:
    """Height and width are as requested; the same size changes nothing."""
    assert fitted(crop(1), (160, 96)).shape == (160, 96, 3)
    assert fitted(crop(1), (16, 16)).shape == (16, 16, 3)
    np.testing.assert_array_equal(fitted(crop(1), (32, 32)), crop(1))
