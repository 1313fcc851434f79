"""HEIC and AVIF: upright in the decoder's process, bounded, and a sentence where the extra is missing."""

import struct
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from node.camera.decoder_process import DecoderProcess, worker_command
from node.camera.heif import heif_kind
from node.domain import Image
from node.errors import CameraError
from tests.fuzz.heif_pictures import Kind, heif

KINDS: tuple[Kind, ...] = ("HEIC", "AVIF")
QUARTERS = np.array([[(250, 0, 0), (0, 250, 0)], [(0, 0, 250), (250, 250, 250)]], np.uint8)
TURNED = {1: "RGBW", 2: "GRWB", 3: "WBGR", 4: "BWRG", 5: "RBGW", 6: "BRWG", 7: "WGBR", 8: "GWRB"}
"""The quarters of the upright image by orientation, from the top left, where R, G, B, W are stored."""


@pytest.fixture(scope="module")
def decoder() -> Iterator[DecoderProcess]:
    """Return a decoder that serves the tests of this module one after the other."""
    with DecoderProcess() as decoder:
        yield decoder


def picture(height: int = 64, width: int = 96) -> Image:
    """Return a picture of four colored quarters."""
    return QUARTERS.repeat(height // 2, axis=0).repeat(width // 2, axis=1)


def colors(image: Image) -> str:
    """Return the initials of the four quarters of an image."""
    height, width = image.shape[:2]
    places = [(y, x) for y in (height // 4, 3 * height // 4) for x in (width // 4, 3 * width // 4)]
    found = ""
    for place in places:
        bright = [color for color, value in zip("RGB", image[place], strict=True) if value > 128]
        found += bright[0] if len(bright) == 1 else "W"
    return found


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_read_upright(decoder: DecoderProcess, tmp_path: Path, kind: Kind, orientation: int) -> None:
    """All turns and mirrors that `irot` and `imir` can state, whatever the file is called."""
    (tmp_path / "IMG_0001").write_bytes(heif(picture(), kind, orientation=orientation))
    image = decoder.decode(tmp_path / "IMG_0001")
    assert colors(image) == TURNED[orientation]
    assert image.shape == ((64, 96, 3) if orientation < 5 else (96, 64, 3))
    assert image.dtype == np.uint8


def _peak_mb(pid: int | None) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000


@pytest.mark.parametrize(
    ("width", "height", "most_mb", "size"), [(4032, 3024, 180, (4032, 3024)), (5712, 4284, 270, (2856, 2142))]
)
def test_a_phones_photo_of_tiles_is_read_in_little_memory(
    tmp_path: Path, width: int, height: int, most_mb: float, size: tuple[int, int]
) -> None:
    """A phone cuts 12 megapixels, and since 2023 24, into tiles; the larger one is halved."""
    noise = np.random.default_rng(1).integers(0, 255, (512, 512, 3), dtype=np.uint8)
    tile = cv2.GaussianBlur(noise, (0, 0), 3).astype(np.uint8)
    whole = np.tile(tile, (-(-height // 512), -(-width // 512), 1))[:height, :width]
    path = tmp_path / "IMG_0001.HEIC"
    path.write_bytes(heif(np.ascontiguousarray(whole), orientation=6, tile_px=512))
    with DecoderProcess() as decoder:
        image = decoder.decode(path)
        assert image.shape == (size[0], size[1], 3)
        assert _peak_mb(decoder.pid) < most_mb


@pytest.mark.parametrize("kind", KINDS)
def test_a_truncated_picture_is_refused(decoder: DecoderProcess, tmp_path: Path, kind: Kind) -> None:
    """The library would show what is missing as gray, in which no face is found."""
    content = heif(picture(512, 512), kind)
    for length in (20, len(content) // 2, len(content) - 1):
        (tmp_path / "cut.heic").write_bytes(content[:length])
        with pytest.raises(CameraError, match=rf"cut\.heic: not a readable image \(a damaged {kind}, or .*: save it"):
            decoder.decode(tmp_path / "cut.heic")


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_that_states_too_many_pixels_is_refused_before_it_is_decoded(
    decoder: DecoderProcess, tmp_path: Path, kind: Kind
) -> None:
    """A few hundred bytes could claim gigabytes; the process goes on."""
    content = heif(picture(), kind).replace(struct.pack(">II", 96, 64), struct.pack(">II", 16384, 16384))
    (tmp_path / "huge.heic").write_bytes(content)
    with pytest.raises(CameraError, match=r"huge\.heic: not a readable image \(.*: (use a |save it)"):
        decoder.decode(tmp_path / "huge.heic")
    (tmp_path / "next.heic").write_bytes(heif(picture(), kind))
    assert colors(decoder.decode(tmp_path / "next.heic")) == "RGBW"


@pytest.mark.parametrize("kind", KINDS)
def test_without_the_extra_a_sentence_names_it(tmp_path: Path, media_dir: Path, kind: Kind) -> None:
    """The next photo is decoded all the same."""
    (tmp_path / "IMG.heic").write_bytes(heif(picture(), kind))
    command = list(worker_command())
    place = command.index("-c") + 1
    command[place] = f"import sys; sys.modules['pi_heif'] = sys.modules['PIL'] = None\n{command[place]}"
    with DecoderProcess(command) as decoder:
        with pytest.raises(CameraError, match=rf"IMG\.heic: {kind} pictures need the extra heic: pip"):
            decoder.decode(tmp_path / "IMG.heic")
        assert decoder.decode(media_dir / "astronaut.jpg").shape == (512, 512, 3)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heix", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "AVIF"),
        (b"\0\0\0\x14ftypmif1\0\0\0\0miaf", "HEIC"),
        (b"\0\0\0\x14ftypavis\0\0\0\0avif", "AVIF"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42heic", None),
        (b"\xff\xd8\xff", None),
        (b"", None),
    ],
)
def test_the_kind_follows_from_the_brand(head: bytes, kind: str | None) -> None:
    """Of a general brand the first particular one counts; a clip is none of them."""
    assert heif_kind(head) == kind
