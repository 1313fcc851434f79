"""The faces that are followed -> where the next frame is searched: in regions around them, or everywhere. Pure.

The rules:

1. A region moves with its face; several faces may share one. `node.vision.regions` has the rules for them.
2. At least one of a few frames is searched everywhere, and at least one in half a second.
3. Something that moves outside the regions and the masks may be a new face: everywhere is searched, in this frame or,
   if the one before it was searched everywhere, in the next. So a new face waits for one frame at most, and while much
   moves every other frame is searched everywhere.
4. A frame is compared with the one last searched everywhere, so that slow changes add up. Light and noise are not
   motion.
5. If a face is missing in its region, or cut by it, everywhere is searched in the same frame, and in some after it.
6. If the frame before showed nobody, or faces too large for regions, everywhere is searched.
"""

from collections.abc import Sequence

from node.domain import Box, Face, Frame, Image, Instant, Track
from node.vision.masks import NO_MASKS, Masks
from node.vision.motion import Light, LightCells, differs
from node.vision.regions import Region, Size, around, merged, outside

_EVERY = 5
"""Everywhere is searched in at least one of so many frames."""

_EVERY_S = 0.5
"""Seconds after which everywhere is searched."""

_PAUSE = 4
"""Frames that are searched everywhere after one in whose regions a face was missing: it may be missing again."""


class TrackedSearch:
    """Decides where each frame is searched.

    For each frame, call `regions`. If there are some, call `faces` with what was found in them. If there are none, or
    `faces` returns None, search everywhere and call `searched_everywhere`.

    Args:
        masks: the parts of the view in which motion does not count. Faces in them are not passed on here.
    """

    def __init__(self, masks: Masks = NO_MASKS) -> None:
        self._masks = masks
        self._light = Light()
        self._reference: LightCells | None = None
        self._everywhere_s = self._searched_s = float("-inf")
        self._frames_in_regions = self._pause = 0
        self._expected: tuple[Box, ...] = ()
        self._regions: tuple[Region, ...] = ()
        self._size: Size = (0, 0)

    def regions(self, at: Instant, frame: Frame, tracks: Sequence[Track], size: Size) -> tuple[Region, ...]:
        """Return where to search a frame; no region if everywhere.

        Args:
            at: when it was taken.
            frame: its small image is compared if there is one.
            tracks: whoever is in view, as of the frame before.
            size: height and width of the picture that is searched, pixels.
        """
        self._expected = tuple(_expected(track, at) for track in tracks if track.seen.mono_s == self._searched_s)
        self._searched_s, self._size = at.mono_s, size
        paused, self._pause = self._pause > 0, max(0, self._pause - 1)
        due = self._frames_in_regions + 1 >= _EVERY or at.mono_s - self._everywhere_s >= _EVERY_S
        self._regions = () if paused or due else around(self._expected, size)
        if self._regions and self._frames_in_regions and self._moves_outside(frame):
            self._regions = ()
        return self._regions

    def faces(self, found: Sequence[Sequence[Face]]) -> tuple[Face, ...] | None:
        """Return the faces that regions show, the largest first; None if everywhere must be searched after all.

        Args:
            found: the faces found in each region.
        """
        faces = merged(tuple(zip(self._regions, found, strict=True)), self._expected, self._size)
        if faces is None:
            self._pause = _PAUSE
        else:
            self._frames_in_regions += 1
        return faces

    def searched_everywhere(self, at: Instant, frame: Frame, faces: Sequence[Face]) -> None:
        """Compare later frames with this one, if it shows faces."""
        self._everywhere_s, self._frames_in_regions = at.mono_s, 0
        self._reference = self._light.measure(_compared(frame)).copy() if faces else None

    def _moves_outside(self, frame: Frame) -> bool:
        cells = self._light.measure(_compared(frame))
        rows, columns = cells.shape
        where = outside(self._regions, self._size, (rows, columns))
        unmasked = self._masks.open_cells(rows, columns)
        if unmasked is not None:
            where &= unmasked
        return self._reference is None or differs(cells, self._reference, where)


def _compared(frame: Frame) -> Image:
    return frame.image if frame.small is None else frame.small


def _expected(track: Track, at: Instant) -> Box:
    """Return where the face of a track is expected, if it keeps its speed."""
    box, passed_s = track.face.box, at.mono_s - track.seen.mono_s
    return Box(box.left + track.speed[0] * passed_s, box.top + track.speed[1] * passed_s, box.width, box.height)
