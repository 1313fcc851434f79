"""Boxes of faces -> the few square regions of a picture in which they are searched again, and the faces found there.

All lengths are pixels of the picture that is searched. A region is cut from it as it is, and lies on the detector's
grid, so that the detector sees in it what it sees in the whole picture; only near the region's edge it sees less. Pure.

- A region holds a face with room around it: the least of SIDES for which that is so.
- A face near an edge of its region, where the picture goes on, is cut: its keypoints are off, so it counts as found
  only if another region shows it whole.
- A face that several regions show counts once.
- Regions that together are hardly smaller than the picture are no gain: there are none then.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from node.domain import Box, Face, Image, overlap

SIDES = (96, 160, 224)
"""Sides of regions, pixels: few, since the detector takes 2 to 6 MB for each. None is larger: a face that needs more
is nearer than about 60 cm, and the gain would be small."""

_GRID = 32
"""Pixels that edges of regions are multiples of: the detector's largest stride."""

_PLANNED_ROOM, _LEAST_ROOM = 0.35, 0.2
"""Room between a face and the edge of its region, in lengths of the face's longer side: as planned, and at least.

With room of less than .1 the median cosine of a face's embedding to that of a whole search is .97 to .99, with .2 it is
.995, with .5 .997. Planned is more than needed, since a face moves from frame to frame.
"""

_MOST = 2 / 3
"""Most pixels of all regions, as a share of the picture's: each search of a region also has a fixed cost."""

_SAME = 0.3
"""Intersection over union of two boxes from which they are one face."""

_FOLLOWED = 0.2
"""Intersection over union of a face with where it was expected, from which it is that face."""

_CUT_SHARE = 0.3
"""Share of a cut face's box within that of a whole one from which both are one face."""

Size = tuple[int, int]
"""Height and width of the searched picture, pixels."""


@dataclass(frozen=True, slots=True)
class Region:
    """A square of the searched picture.

    Attributes:
        left: pixels, a multiple of 32.
        top: pixels, a multiple of 32.
        side: pixels, one of SIDES.
    """

    left: int
    top: int
    side: int

    def cut_from(self, image: Image) -> Image:
        """Return this part of the searched picture, which is smaller than the region at the picture's far edges."""
        return image[self.top : self.top + self.side, self.left : self.left + self.side]


def around(boxes: Sequence[Box], size: Size) -> tuple[Region, ...]:
    """Return regions that hold each box with room around it; none if the whole picture is to be searched.

    Args:
        boxes: where faces are expected, in fractions of the picture.
        size: of the picture.
    """
    regions: list[Region] = []
    for box in sorted(boxes, key=lambda each: -each.width * each.height):
        if any(_room(box, region, size) >= _PLANNED_ROOM for region in regions):
            continue
        region = _region(box, size)
        if region is None:
            return ()
        regions.append(region)
    searched = sum(region.side**2 for region in regions)
    return tuple(regions) if searched <= _MOST * _padded(size[0]) * _padded(size[1]) else ()


def merged(
    found: Sequence[tuple[Region, Sequence[Face]]], expected: Sequence[Box], size: Size
) -> tuple[Face, ...] | None:
    """Return the faces found in regions, the largest first; None if the whole picture must be searched after all.

    That is so if one that was expected is missing, or if one is cut.

    Args:
        found: the regions, each with its faces; their boxes are in fractions of the picture.
        expected: where faces were expected, in fractions of the picture.
        size: of the picture.
    """
    whole: list[Face] = []
    cut: list[Face] = []
    for region, faces in found:
        for face in faces:
            (whole if _room(face.box, region, size) >= _LEAST_ROOM else cut).append(face)
    kept: list[Face] = []
    for face in sorted(whole, key=lambda each: -each.score):
        if all(overlap(face.box, other.box) <= _SAME for other in kept):
            kept.append(face)
    if len(kept) < len(expected) or not all(_any_overlaps(box, kept) for box in expected):
        return None
    if not all(any(_share(face.box, other.box) >= _CUT_SHARE for other in kept) for face in cut):
        return None
    return tuple(sorted(kept, key=lambda face: -face.box.width * face.box.height))


def outside(regions: Sequence[Region], size: Size, cells: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Return which cells of a grid over the picture lie outside the regions, at least in part.

    Args:
        regions: of the picture.
        size: of the picture.
        cells: rows and columns of the grid.
    """
    mask = np.ones(cells, np.bool_)
    for region in regions:
        # A cell lies in a region if all of it does.
        (top, bottom), (left, right) = (
            (-(-start * count // length), min(start + region.side, length) * count // length)
            for start, count, length in zip((region.top, region.left), cells, size, strict=True)
        )
        mask[top:bottom, left:right] = False
    return mask


def _region(box: Box, size: Size) -> Region | None:
    """Return the least region that holds a box with room around it; None if there is none."""
    (x, y), (rows, columns) = box.centre, size
    for side in SIDES:
        if side > min(_padded(rows), _padded(columns)):
            return None
        left, top = (
            min(max(0, round((center - side / 2) / _GRID) * _GRID), _padded(length) - side)
            for center, length in ((x * columns, columns), (y * rows, rows))
        )
        region = Region(left, top, side)
        if _room(box, region, size) >= _PLANNED_ROOM:
            return region
    return None


def _room(box: Box, region: Region, size: Size) -> float:
    """Return the least room between a box and those edges of a region behind which the picture goes on.

    In lengths of the box's longer side; negative if an edge cuts the box.
    """
    rows, columns = size
    left, top, width, height = box.left * columns, box.top * rows, box.width * columns, box.height * rows
    right, bottom = region.left + region.side, region.top + region.side
    rooms = [
        room
        for room, goes_on in (
            (left - region.left, region.left > 0),
            (top - region.top, region.top > 0),
            (right - left - width, right < columns),
            (bottom - top - height, bottom < rows),
        )
        if goes_on
    ]
    return min(rooms, default=float("inf")) / max(width, height, 1e-6)


def _padded(length: int) -> int:
    """Return a length of the picture as the detector pads it."""
    return -(-length // _GRID) * _GRID


def _any_overlaps(box: Box, faces: Sequence[Face]) -> bool:
    return any(overlap(box, face.box) >= _FOLLOWED for face in faces)


def _share(part: Box, box: Box) -> float:
    """Return the share of a box that lies within another, 0..1."""
    width = min(part.left + part.width, box.left + box.width) - max(part.left, box.left)
    height = min(part.top + part.height, box.top + box.height) - max(part.top, box.top)
    return width * height / (part.width * part.height) if width > 0 and height > 0 else 0.0
