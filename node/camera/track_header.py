"""The boxes of an MP4, MOV or 3GP file -> the turn that the header of its video track states.

Phones store a clip as the sensor gave it, and the turn beside it. OpenCV's own reading of the turn depends on its
version, and takes a mirrored clip for one that stands on its head.
"""

import struct
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from node.camera.orientation import AS_STORED

_BOX = struct.Struct(">I4s")
_FIRST = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_MAX_BOXES = 4096
_TO_THE_END, _LARGE = 0, 1  # sizes that are none
_MOVIE_MATRIX, _TRACK_MATRIX = (36, 48), (40, 52)  # offset in `mvhd` and `tkhd` of version 0 and 1
_HANDLER = slice(8, 12)
_HEADER_BYTES = 128
_QUARTER = 0.9
"""Least share of a matrix's row that lies on one axis in a turn by quarters."""

_ORIENTATIONS = {
    ((1, 0), (0, 1)): 1,
    ((-1, 0), (0, 1)): 2,
    ((-1, 0), (0, -1)): 3,
    ((1, 0), (0, -1)): 4,
    ((0, 1), (1, 0)): 5,
    ((0, 1), (-1, 0)): 6,
    ((0, -1), (-1, 0)): 7,
    ((0, -1), (1, 0)): 8,
}

_Row = tuple[float, float]
_Matrix = tuple[_Row, _Row]
_Part = tuple[bytes, int, int]
"""A box: its kind, and where its content begins and ends."""


def stated_orientation(file: BinaryIO) -> int | None:
    """Return the orientation, 1..8 as EXIF numbers it, of the first video track; None if the file has no such boxes.

    A matrix that is no turn by quarters, such as a shear, counts as none (ISO/IEC 14496-12, 8.2.2 and 8.3.2).

    Raises:
        OSError: the file cannot be read.
    """
    end = file.seek(0, 2)
    parts = list(_boxes(file, 0, end))
    if not parts or parts[0][0] not in _FIRST:
        return None
    movie = [part for kind, *within in parts if kind == b"moov" for part in _boxes(file, *within)]
    whole = next((_matrix(file, part, _MOVIE_MATRIX) for part in movie if part[0] == b"mvhd"), None)
    for track in movie:
        if track[0] == b"trak" and (header := _video_header(file, track)):
            return _orientation(_product(_matrix(file, header, _TRACK_MATRIX), whole))
    return AS_STORED


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[_Part]:
    """Yield the boxes between two places; stop at a damaged one."""
    return islice(_all_boxes(file, start, end), _MAX_BOXES)


def _all_boxes(file: BinaryIO, start: int, end: int) -> Iterator[_Part]:
    while start + _BOX.size <= end:
        file.seek(start)
        size, kind = _BOX.unpack(file.read(_BOX.size).ljust(_BOX.size, b"\0"))
        content = start + _BOX.size
        if size == _LARGE:
            size = int.from_bytes(file.read(8))
            content += 8
        after = end if size == _TO_THE_END else start + size
        if not content <= after <= end:
            return
        yield kind, content, after
        start = after


def _video_header(file: BinaryIO, track: _Part) -> _Part | None:
    """Return the `tkhd` of a track of video; None for another track."""
    header, video = None, False
    for part in _boxes(file, *track[1:]):
        if part[0] == b"tkhd":
            header = part
        elif part[0] == b"mdia":
            video = any(
                kind == b"hdlr" and _content(file, start, end)[_HANDLER] == b"vide"
                for kind, start, end in _boxes(file, *part[1:])
            )
    return header if video else None


def _content(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(min(end - start, _HEADER_BYTES))


def _matrix(file: BinaryIO, part: _Part, offsets: tuple[int, int]) -> _Matrix | None:
    """Return a, b, c, d of a matrix, by which (x, y) becomes (a x + c y, b x + d y); None for a damaged box."""
    content = _content(file, *part[1:])
    try:
        a, b, _, c, d = struct.unpack_from(">5i", content, offsets[content[:1] == b"\1"])
    except struct.error:
        return None
    return (a, b), (c, d)


def _product(track: _Matrix | None, movie: _Matrix | None) -> _Matrix | None:
    if track is None or movie is None:
        return track
    (a, b), (c, d) = movie
    one, other = ((x * a + y * c, x * b + y * d) for x, y in track)
    return one, other


def _orientation(matrix: _Matrix | None) -> int:
    if matrix is None:
        return AS_STORED
    one, other = (_axis(row) for row in matrix)
    return _ORIENTATIONS.get((one, other), AS_STORED)


def _axis(row: _Row) -> tuple[int, int]:
    """Return the direction along an axis that a row points in; (0, 0) if it points along none."""
    most = max(abs(number) for number in row)
    total = sum(abs(number) for number in row)
    if not total or most < _QUARTER * total:
        return 0, 0
    one, other = ((number > 0) - (number < 0) if abs(number) == most else 0 for number in row)
    return one, other
