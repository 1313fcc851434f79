"""A picture -> a HEIC or AVIF file as phones write them, made by code: FFmpeg encodes, the boxes are written here.

HEIC and AVIF are boxes around one frame of HEVC or AV1 (ISO/IEC 23008-12): the turn is a property of the item (`irot`,
`imir`), and a phone cuts the picture into tiles that a `grid` joins.
"""

import struct
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from node.domain import Image

Kind = Literal["HEIC", "AVIF"]

TURNS: dict[int, tuple[int | str, ...]] = {
    1: (),
    2: ("LR",),
    3: (2,),
    4: ("TB",),
    5: (1, "TB"),
    6: (3,),
    7: (1, "LR"),
    8: (1,),
}
"""By EXIF orientation: quarter turns counterclockwise (`irot`), then a mirror (`imir`), that make the image upright."""

_X265 = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-tag:v", "hvc1")
_AOM = ("-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime", "-crf", "20")
_ENCODERS = {"HEIC": ("hvc1", "hvcC", _X265), "AVIF": ("av01", "av1C", _AOM)}
"""By kind: the type of its items, the box of its configuration, and how FFmpeg encodes it."""


def heif(image: Image, kind: Kind = "HEIC", *, orientation: int = 1, tile_px: int | None = None) -> bytes:
    """Return a file that shows an image, once it is turned as `orientation` says.

    Args:
        image: as stored, shape (height, width, 3), uint8, RGB; even sides.
        kind: HEIC holds HEVC, AVIF holds AV1.
        orientation: the turn that the file states, 1..8 as in EXIF.
        tile_px: side of the tiles of a grid; None: one frame. A tile is repeated where the image repeats.
    """
    height, width = image.shape[:2]
    if tile_px is None:
        return _file(kind, [_frame(image.tobytes(), width, height, kind)], (width, height), orientation, None)
    known: dict[bytes, tuple[bytes, bytes]] = {}
    tiles = []
    columns, rows = -(-width // tile_px), -(-height // tile_px)
    padded = np.zeros((rows * tile_px, columns * tile_px, 3), np.uint8)
    padded[:height, :width] = image
    for row in range(rows):
        for column in range(columns):
            part = padded[row * tile_px : (row + 1) * tile_px, column * tile_px : (column + 1) * tile_px].tobytes()
            if part not in known:
                known[part] = _frame(part, tile_px, tile_px, kind)
            tiles.append(known[part])
    return _file(kind, tiles, (width, height), orientation, (rows, columns, tile_px))


def _frame(pixels: bytes, width: int, height: int, kind: Kind) -> tuple[bytes, bytes]:
    """Return the configuration box and the bytes of one encoded frame, taken from an MP4 file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "frame.mp4")
        source = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-i", "-")
        encoder = ("-frames:v", "1", "-pix_fmt", "yuv420p", *_ENCODERS[kind][2])
        subprocess.run(("ffmpeg", "-v", "error", "-y", *source, *encoder, path), input=pixels, check=True)
        content = path.read_bytes()
    place = content.index(_ENCODERS[kind][1].encode()) - 4
    (length,) = struct.unpack_from(">I", content, place)
    data = content.index(b"mdat") - 4
    (size,) = struct.unpack_from(">I", content, data)
    return content[place : place + length], content[data + 8 : data + size]


def _file(
    kind: Kind,
    frames: Sequence[tuple[bytes, bytes]],
    size: tuple[int, int],
    orientation: int,
    grid: tuple[int, int, int] | None,
) -> bytes:
    """Return the file: item 1 is the picture, or the grid whose tiles are the items from 2 on."""
    item = _ENCODERS[kind][0].encode()
    turn = [_turn(step) for step in TURNS[orientation]]
    if grid is None:
        properties = [frames[0][0], _ispe(*size), *turn]
        items = [(1, item, list(range(1, len(properties) + 1)), frames[0][1])]
        references = b""
    else:
        rows, columns, side = grid
        properties = [frames[0][0], _ispe(side, side), _ispe(*size), *turn]
        layout = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, *size)
        items = [(1, b"grid", list(range(3, len(properties) + 1)), layout)]
        items += [(number, item, [1, 2], data) for number, (_, data) in enumerate(frames, 2)]
        numbers = range(2, len(frames) + 2)
        references = _full(
            b"iref", 0, _box(b"dimg", struct.pack(f">HH{len(frames)}H", 1, len(frames), *numbers))
        )  # fmt: skip
    entries = b"".join(
        _box(b"infe", struct.pack(">BBHHH", 2, 0, number > 1, number, 0) + code + b"\0") for number, code, _, _ in items
    )
    associations = b"".join(
        struct.pack(">HB", number, len(own)) + bytes(0x80 | each for each in own) for number, _, own, _ in items
    )
    owned = _full(b"ipma", 0, struct.pack(">I", len(items)) + associations)
    head = (
        _full(b"hdlr", 0, struct.pack(">I4s12xx", 0, b"pict"))
        + _full(b"pitm", 0, struct.pack(">H", 1))
        + _full(b"iinf", 0, struct.pack(">H", len(items)) + entries)
        + _box(b"iprp", _box(b"ipco", b"".join(properties)) + owned)
        + references
    )  # fmt: skip
    brand = b"heic" if kind == "HEIC" else b"avif"
    start = _box(b"ftyp", brand + struct.pack(">I", 0) + b"mif1" + brand)
    offset = len(start) + 12 + len(head) + (12 + 4 + 14 * len(items)) + 8
    places, data, shared = b"", b"", {}
    for number, _, _, content in items:
        if content not in shared:
            shared[content] = offset + len(data)
            data += content
        places += struct.pack(">HHHII", number, 0, 1, shared[content], len(content))
    located = _full(b"iloc", 0, struct.pack(">BBH", 0x44, 0, len(items)) + places)
    return start + _full(b"meta", 0, head + located) + _box(b"mdat", data)


def _turn(step: int | str) -> bytes:
    if isinstance(step, int):
        return _box(b"irot", bytes([step]))
    return _box(b"imir", bytes([step == "LR"]))


def _ispe(width: int, height: int) -> bytes:
    return _full(b"ispe", 0, struct.pack(">II", width, height))


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


def _full(kind: bytes, flags: int, content: bytes) -> bytes:
    return _box(kind, struct.pack(">I", flags) + content)
