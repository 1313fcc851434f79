"""Damaged and forged picture files, through the decoder's process -> a picture to search for faces, or one error.

python -m tests.fuzz.pictures --seconds 60
"""

import struct
import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random

import cv2
import numpy as np

from node.camera import png
from node.camera.decoder_process import DecoderProcess
from node.camera.image_file import read_image
from node.camera.image_header import MAX_PIXELS
from node.domain import Frame
from node.errors import CameraError
from node.system import bundled
from node.vision.detector import Detector
from node.vision.jpeg import face_jpeg
from node.vision.tflite import find_runtime
from tests.fuzz.driver import Target, main
from tests.fuzz.forged_images import forged_jpeg
from tests.fuzz.heif_pictures import heif
from tests.fuzz.mutation import Bytes, either

_SIDE_PX, _SEARCHED_PX = 96, 160
_SAME_KIND, _AGAIN = 0.8, 0.2
_EXIF = b"\xff\xe1\x00\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
_WORDS = (
    b"IHDR",
    b"IDAT",
    b"PLTE",
    b"tRNS",
    b"eXIf",
    b"RIFF",
    b"WEBPVP8 ",
    b"WEBPVP8X",
    b"ALPH",
    b"BM",
    b"II*\0",
    b"MM\0*",
    b"EXIF",
    b"ftypheic",
    b"ftypavif",
    b"meta",
    b"iloc",
    b"ispe",
    b"irot",
    b"grid",
)


def build(folder: Path) -> Sequence[Target]:
    """Return the target; one decoder serves every input, and may be ended by one only to be replaced."""
    decoder = DecoderProcess()
    detector = Detector(bundled.detector(find_runtime("auto")[0]), _SEARCHED_PX)
    path = folder / "picture.jpg"

    def check(content: bytes) -> str:
        path.write_bytes(content)
        try:
            image = decoder.decode(path)
        except CameraError as error:
            assert str(error).startswith(f"{path}: ")
            assert "\n" not in str(error)
            return "refused, its decoder ended" if decoder.pid is None else "refused"
        assert image.dtype == np.uint8
        assert image.shape[2:] == (3,)
        assert 0 < image.shape[0] * image.shape[1] <= MAX_PIXELS
        faces = detector.detect(Frame(image))
        for face in faces:
            assert face_jpeg(image, face.box).startswith(b"\xff\xd8")
        return "with a face" if faces else "without a face"

    return (Target("pictures", either(Bytes(seeds(), _WORDS), forged_png, forged_scans), check),)


@cache
def seeds() -> tuple[bytes, ...]:
    """Return a small portrait in every accepted file format, and in several bit depths."""
    portrait = read_image(bundled.path("media/astronaut.jpg"))
    small = cv2.cvtColor(cv2.resize(portrait, (_SIDE_PX, _SIDE_PX)), cv2.COLOR_RGB2BGR)
    found = [_encoded(ending, small) for ending in (".jpg", ".png", ".bmp", ".webp", ".tiff")]
    found.append(_encoded(".png", cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)))
    found.append(_encoded(".png", cv2.cvtColor(small, cv2.COLOR_BGR2BGRA)))
    found.append(_encoded(".png", small.astype(np.uint16) * 257))
    found.append(found[0][:2] + _EXIF + found[0][2:])
    turned = np.ascontiguousarray(small[..., ::-1])
    found += [heif(turned, "HEIC", orientation=6), heif(turned, "AVIF", orientation=5), heif(turned, tile_px=64)]
    return tuple(found)


def forged_png(random: Random) -> bytes:
    """Return a PNG with changed chunks and matching checksums."""
    content = random.choice([seed for seed in seeds() if seed.startswith(png.SIGNATURE)])
    chunks: list[tuple[bytes, bytes]] = []
    place = len(png.SIGNATURE)
    while place < len(content):
        (length,) = struct.unpack_from(">I", content, place)
        chunks.append((content[place + 4 : place + 8], content[place + 8 : place + 8 + length]))
        place += length + 12
    for _ in range(random.randint(1, 3)):
        number = random.randrange(len(chunks))
        kind, data = chunks[number]
        changed = Bytes([data], _WORDS)(random)
        chunks[number] = (kind if random.random() < _SAME_KIND else random.choice(_WORDS)[:4].ljust(4), changed)
        if random.random() < _AGAIN:
            chunks.insert(number, chunks[number])
    return png.SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def forged_scans(random: Random) -> bytes:
    """Return a JPEG of any size with few or many scans, some of them damaged."""
    sides = [random.choice((0, 1, 7, 640, 4096, 8000, 65535)) for _ in range(2)]
    content = forged_jpeg(
        sides[0],
        sides[1],
        scans=random.choice((0, 1, 30)),
        components=random.choice((0, 1, 3, 4)),
        marker=random.choice((0xC0, 0xC1, 0xC2, 0xC3, 0xC9)),
    )
    return content if random.random() < _SAME_KIND else Bytes([content], _WORDS)(random)


def _encoded(ending: str, picture: cv2.typing.MatLike) -> bytes:
    return cv2.imencode(ending, picture)[1].tobytes()


if __name__ == "__main__":
    raise SystemExit(main(build))
