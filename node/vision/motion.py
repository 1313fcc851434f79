"""Frames of a fixed camera -> which of them are searched for faces: those with motion.

The rules:

1. While somebody is in view every frame is searched, whether they move or not.
2. A frame is compared with the one that was last searched, not with the one before it, so that slow changes add up.
3. After the last motion every frame is searched for a while, since a moving face may be blurred or turned away.
4. A still image is searched now and then all the same: motion detection must never hide anybody for long.
5. Nothing that moves inside a mask is motion.
6. Light that rises and falls, in the whole image or in stripes, and sensor noise are not motion.
"""

import cv2
import numpy as np
import numpy.typing as npt

from node.domain import Frame, Image, Instant
from node.vision.masks import NO_MASKS, Masks

_MAX_COLUMNS = 64
"""Most cells in a row of the grid that compares light: at 640 px a face of 24 px is more than two cells wide."""

_MIN_CELL_PX = 8
"""Least width of a cell, pixels: the mean over fewer leaves too much sensor noise."""

_ROW_STEP = 2
"""Every second row is read: half of the work, and a cell still has more than enough pixels."""

_STEPS_PER_DOUBLING = 64.0
"""Steps of the logarithm for twice the light. In a logarithm a lamp that brightens adds the same everywhere, and that
can be subtracted."""

_DARK_OFFSET = 16.0
"""Gray levels added before the logarithm: below this level a difference is noise rather than light."""

_MIN_CHANGE = 16.0
"""Steps by which a cell must differ from its row: a fifth of its light. This is seven times the difference that sensor
noise of ten gray levels (standard deviation) causes between two images of a cell at a quarter of full brightness, with
10 x 5 pixels read."""

_MIN_CHANGED_CELLS = 3
"""Cells that must differ: a blinking lamp or a second hand changes fewer."""

_LINGER_S = 2.0
"""Seconds after the last motion for which every frame is searched."""

_IDLE_SEARCH_S = 1.0
"""Seconds after which a still image is searched."""

_LOG_LIGHT = (_STEPS_PER_DOUBLING * np.log2(np.arange(256) + _DARK_OFFSET)).astype(np.float32)

LightCells = npt.NDArray[np.float32]
"""Shape (rows, columns), float32: the logarithm of the light of each cell."""


class Motion:
    """Decides which frames are searched.

    Args:
        masks: the parts of the view in which motion does not count.
    """

    def __init__(self, masks: Masks = NO_MASKS) -> None:
        self._masks = masks
        self._light = Light()
        self._searched: LightCells | None = None
        self._searched_s = float("-inf")
        self._moved_s = float("-inf")

    def needs_search(self, at: Instant, frame: Frame, *, anyone_in_view: bool) -> bool:
        """Return whether to search the frame. Later frames are compared with the last one searched.

        Args:
            at: when it was taken.
            frame: its small image is compared if there is one.
            anyone_in_view: whether somebody is in view.
        """
        if anyone_in_view:  # nothing to decide, so nothing is measured; the first frame without anybody starts afresh
            self._searched = None
            return True
        cells = self._light.measure(frame.image if frame.small is None else frame.small)
        if self._searched is None or differs(cells, self._searched, self._masks.open_cells(*cells.shape)):
            self._moved_s = at.mono_s
        since_s = at.mono_s - self._moved_s
        if since_s >= _LINGER_S and at.mono_s - self._searched_s < _IDLE_SEARCH_S:
            return False
        self._searched, self._searched_s = cells.copy(), at.mono_s
        return True


class Light:
    """Measures the light in the cells of an image, in buffers that it reuses."""

    def __init__(self) -> None:
        self._grey = np.empty((0, 0), np.uint8)
        self._small = np.empty((0, 0), np.uint8)
        self._cells: LightCells = np.empty((0, 0), np.float32)

    def measure(self, image: Image) -> LightCells:
        """Return the logarithm of the mean light of each cell, in 64ths of a doubling; the next call overwrites it.

        Args:
            image: shape (height, width, 3), uint8, RGB; pixels beyond the last whole cell are ignored.
        """
        side = min(max(_MIN_CELL_PX, image.shape[1] // _MAX_COLUMNS), image.shape[1])
        read = image[::_ROW_STEP]
        high = min(max(1, side // _ROW_STEP), read.shape[0])  # whole numbers, for which OpenCV computes plain means
        rows, columns = read.shape[0] // high, read.shape[1] // side
        if self._grey.shape != (rows * high, columns * side):
            self._grey = np.empty((rows * high, columns * side), np.uint8)
            self._small = np.empty((rows, columns), np.uint8)
            self._cells = np.empty((rows, columns), np.float32)
        cv2.cvtColor(read[: rows * high, : columns * side], cv2.COLOR_RGB2GRAY, dst=self._grey)
        cv2.resize(self._grey, (columns, rows), dst=self._small, interpolation=cv2.INTER_AREA)
        cv2.LUT(self._small, _LOG_LIGHT, dst=self._cells)
        return self._cells


def differs(cells: LightCells, others: LightCells, where: npt.NDArray[np.bool_] | None = None) -> bool:
    """Return whether one image shows something that the other does not.

    A change common to a whole row is light: lamps flicker with the mains, and a sensor that reads row by row shows that
    as stripes.

    Args:
        cells: of one image.
        others: of the other.
        where: shape (rows, columns), bool: the cells that count; None: all.
    """
    if cells.shape != others.shape:
        return True
    change = cells - others
    if where is None:
        change -= change.mean(axis=1, keepdims=True)
    else:
        change *= where
        change -= change.sum(axis=1, keepdims=True) / np.maximum(where.sum(axis=1, keepdims=True), 1)
        change *= where
    return int(np.count_nonzero(np.abs(change) > _MIN_CHANGE)) >= _MIN_CHANGED_CELLS
