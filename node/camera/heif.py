"""A HEIC or AVIF file -> its pixels, upright, by the libraries of the extra `heic`.

Only the decoder's process imports them. pi-heif decodes HEIC with libheif; it is the decoder alone of the project that
makes pillow-heif, without the encoder whose license is the GPL. Pillow, which it needs anyway, decodes AVIF.
"""

import io
from collections.abc import Callable

import cv2
import numpy as np

from node.camera.image_header import DECODING_BYTES, MAX_PIXELS
from node.camera.orientation import AS_STORED, upright

EXTRA = "pip install 'facenode[heic]'"
"""What installs the libraries."""

HEIF_BYTES = 2 * DECODING_BYTES
"""Most memory that decoding may take: as for a clip, since HEIC and AVIF hold a frame of video."""

_HEIC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_AVIF = frozenset({b"avif", b"avis"})
_EITHER = frozenset({b"mif1", b"msf1"})
_MAX_BRANDS = 32
_BYTES_A_PIXEL = 8
"""Memory a pixel: the frame in 4:2:0, and two copies in RGB, one of them of four bytes with Pillow."""
_ORIENTATION = 0x112
_DIMENSIONS, _COLORS = 3, 3
_ROWS = 256
_BOX_BYTES = 8
_BOXES = frozenset({b"ftyp", b"meta", b"mdat", b"moov"})
_TO_THE_END, _LARGE = 0, 1  # sizes of a box that are none
_ERRORS = (EOFError, OSError, RuntimeError, SyntaxError, ValueError)
"""What the libraries raise of a damaged file."""

Decode = Callable[[bytes], cv2.typing.MatLike]
"""Returns the image in a file's content, shape (height, width, 3), uint8, BGR, upright."""


def heif_kind(head: bytes) -> str | None:
    """Return `HEIC` or `AVIF` by the first bytes of a file (ISO/IEC 23008-12, `ftyp`); None for any other file."""
    if head[4:8] != b"ftyp":
        return None
    end = min(int.from_bytes(head[:4]), len(head), 16 + 4 * _MAX_BRANDS)
    major, *compatible = [head[8:12], *(head[place : place + 4] for place in range(16, end, 4))]
    for brand in (major, *compatible) if major in _EITHER else (major,):
        if brand in _AVIF:
            return "AVIF"
        if brand in _HEIC:
            return "HEIC"
    return "HEIC" if major in _EITHER else None


def heif_decoder(kind: str) -> Decode:
    """Return what decodes one kind, with its library loaded.

    Args:
        kind: HEIC or AVIF.

    Raises:
        ValueError: the library is not installed; the message is a sentence without the file's name.
    """
    try:
        import pi_heif  # noqa: F401, PLC0415 - of an extra
        from PIL import AvifImagePlugin  # noqa: PLC0415 - of an extra
    except ImportError as error:
        raise ValueError(f"{kind} pictures need the extra heic: {EXTRA}, or save it as JPEG") from error
    if kind == "AVIF" and not AvifImagePlugin.SUPPORTED:
        raise ValueError(f"AVIF pictures need a Pillow that reads them: {EXTRA}, or save it as JPEG")
    return _decode_avif if kind == "AVIF" else _decode_heic


def _decode_heic(content: bytes) -> cv2.typing.MatLike:
    """Return the main picture; libheif turns it as its properties say, and its EXIF data does not count."""
    import pi_heif  # noqa: PLC0415 - of an extra

    pi_heif.options.DECODE_THREADS = 1
    pi_heif.options.THUMBNAILS = pi_heif.options.DEPTH_IMAGES = pi_heif.options.AUX_IMAGES = False
    if not _complete(content):
        raise ValueError(_flaw("HEIC"))
    try:
        picture = pi_heif.open_heif(content, convert_hdr_to_8bit=True, bgr_mode=True)
    except _ERRORS as error:
        raise ValueError(_flaw("HEIC")) from error
    _check("HEIC", *picture.size)
    try:
        pixels = np.asarray(picture)  # in memory of the library, which ends with `picture`
    except _ERRORS as error:
        raise ValueError(_flaw("HEIC")) from error
    if pixels.shape[0] * pixels.shape[1] > MAX_PIXELS:
        size = (-(-pixels.shape[1] // 2), -(-pixels.shape[0] // 2))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    if pixels.ndim < _DIMENSIONS:
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR)
    return pixels[..., :_COLORS].copy()


def _decode_avif(content: bytes) -> cv2.typing.MatLike:
    """Return the first picture, turned as its properties say, which Pillow gives as the orientation."""
    from PIL import AvifImagePlugin  # noqa: PLC0415 - of an extra

    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    try:
        picture = AvifImagePlugin.AvifImageFile(io.BytesIO(content))
    except _ERRORS as error:
        raise ValueError(_flaw("AVIF")) from error
    _check("AVIF", *picture.size)
    try:
        orientation = picture.getexif().get(_ORIENTATION, AS_STORED)
        picture.load()
    except _ERRORS as error:
        raise ValueError(_flaw("AVIF")) from error
    smaller = picture if picture.width * picture.height <= MAX_PIXELS else picture.reduce(2)
    del picture  # and with it the frame
    width, height = smaller.size
    pixels = np.empty((height, width, _COLORS), np.uint8)
    for top in range(0, height, _ROWS):  # so that it is not in memory once more
        rows = smaller.crop((0, top, width, min(top + _ROWS, height))).convert("RGB")
        pixels[top : top + _ROWS] = np.asarray(rows)[..., ::-1]
    del smaller, rows
    return upright(pixels, orientation)


def _complete(content: bytes) -> bool:
    """Return whether the file holds all of its boxes: libheif shows what is missing as gray, without a word.

    What an editor or a phone appends is no box, and does not count.
    """
    place = 0
    while place < len(content):
        size, kind = int.from_bytes(content[place : place + 4]), content[place + 4 : place + 8]
        if size == _LARGE:
            size = int.from_bytes(content[place + 8 : place + 16])
        if size == _TO_THE_END or (size < _BOX_BYTES and kind not in _BOXES):
            return True
        if size < _BOX_BYTES or (place + size > len(content) and kind in _BOXES):
            return False
        place += size
    return True


def _check(kind: str, width: int, height: int) -> None:
    """Refuse what would not fit into memory, before it is decoded."""
    if not 0 < width * height * _BYTES_A_PIXEL <= HEIF_BYTES:
        raise ValueError(f"not a readable image ({kind} of {width}x{height} pixels): use a smaller one")


def _flaw(kind: str) -> str:
    return f"not a readable image (a damaged {kind}, or of a kind that is not read): save it as JPEG"
