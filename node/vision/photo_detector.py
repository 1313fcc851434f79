"""A photo -> the faces in it, also those that are too small for the search of a live frame.

A live frame is reduced to `detector.width` pixels, so that it is searched many times a second. In a photo of 12
megapixels a face of 60 pixels is then 10 pixels wide, which no detector finds. A photo is therefore searched a second
time, in tiles that take the memory of a live frame, and hardly reduced.
"""

import math
from collections.abc import Iterator, Sequence

from node.domain import Box, Face, Frame, Image
from node.vision.detector import Detector

LEAST_PX = 640
"""Least side of the tiles, and least longer side of a whole photo, searched pixels."""

_SEARCHED_PIXELS = 3 << 20
"""Pixels to which a photo is reduced for the second search: of 12 megapixels each side is halved.

A face of 60 pixels is then 30 wide, of which YuNet finds 99 in 100.
"""

_PRECISE_PX = 48
"""Searched pixels from which a face's keypoints are good enough; of a narrower one those in a tile are better."""

_OVERLAP = 5
"""Two tiles share a fifth: a larger face, which each of them may cut, is found by the search of the whole."""

_EDGE = 0.01
"""Share of a tile within which a box touches its edge."""

_SAME = 0.3
"""Share of a face's box within that of another above which both are one face."""

_Part = tuple[int, int, int, int]
"""Left, top, width and height in pixels of the photo."""


class PhotoDetector:
    """Finds the faces of photos, which are few and large, and may take a second each.

    Args:
        detector: searches the whole photo, then tiles. A large face stays as it is found in a live frame.
        width: pixels of the longer side to which `detector` reduces, at least LEAST_PX.
    """

    def __init__(self, detector: Detector, width: int) -> None:
        self._detector = detector
        self._width = width

    def detect(self, frame: Frame) -> tuple[Face, ...]:
        """Return the faces, the largest first."""
        whole = self._detector.detect(frame)
        rows, columns = frame.image.shape[:2]
        scale = min(1.0, math.sqrt(_SEARCHED_PIXELS / (rows * columns)))
        if scale * max(rows, columns) <= self._width:
            return whole
        least = _PRECISE_PX * max(1.0, max(rows, columns) / self._width) / columns
        found = [face for face in whole if face.box.width >= least]
        tiled = sorted(self._in_tiles(frame.image, scale), key=lambda face: -face.score)
        for face in (*tiled, *(face for face in whole if face.box.width < least)):
            if not any(_shared(face.box, other.box) > _SAME for other in found):
                found.append(face)
        return tuple(sorted(found, key=lambda face: -face.box.width * face.box.height))

    def _in_tiles(self, image: Image, scale: float) -> Iterator[Face]:
        """Yield the faces of all tiles, some twice, but none that a tile cuts."""
        rows, columns = image.shape[:2]
        for left, top, width, height in tiles(columns, rows, round(self._width / scale)):
            for face in self._detector.detect(Frame(image[top : top + height, left : left + width])):
                box = face.box
                cut = (
                    (left > 0 and box.left < _EDGE)
                    or (top > 0 and box.top < _EDGE)
                    or (left + width < columns and box.left + box.width > 1 - _EDGE)
                    or (top + height < rows and box.top + box.height > 1 - _EDGE)
                )
                if not cut:
                    yield _moved(face, (left / columns, top / rows), (width / columns, height / rows))


def tiles(columns: int, rows: int, side: int) -> Sequence[_Part]:
    """Return the tiles that cover a photo, pixels.

    Args:
        columns: width of the photo.
        rows: height of the photo.
        side: of a tile.
    """
    across, down = _spans(columns, side), _spans(rows, side)
    return [(left, top, width, height) for top, height in down for left, width in across]


def _spans(length: int, side: int) -> Sequence[tuple[int, int]]:
    """Return where the tiles along one side of a photo begin, and how long they are."""
    if length <= side:
        return [(0, length)]
    overlap = side // _OVERLAP
    count = math.ceil((length - overlap) / (side - overlap))
    return [(round(number * (length - side) / (count - 1)), side) for number in range(count)]


def _moved(face: Face, corner: tuple[float, float], size: tuple[float, float]) -> Face:
    """Return a face of a tile in fractions of the photo."""
    (left, top), (width, height) = corner, size
    box = face.box
    return Face(
        Box(left + box.left * width, top + box.top * height, box.width * width, box.height * height),
        tuple((left + x * width, top + y * height) for x, y in face.keypoints),
        face.score,
    )


def _shared(small: Box, large: Box) -> float:
    """Return the share of the smaller of two boxes that lies in the other, 0..1."""
    width = min(small.left + small.width, large.left + large.width) - max(small.left, large.left)
    height = min(small.top + small.height, large.top + large.height) - max(small.top, large.top)
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / min(small.width * small.height, large.width * large.height)
