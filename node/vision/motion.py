"""Frames of a camera that stands still -> which of them are searched for faces: those in which something moves.

The rules:

1. While somebody is in view every frame is searched, whether they move or not.
2. A frame is compared with the one that was last searched, not with the one before it: what fades in slowly adds up.
3. After the last motion every frame is searched for a while, for a face that moves may be blurred or turned away.
4. A picture in which nothing moves is searched now and then all the same: nothing here may hide anybody for good.
5. A light that goes up and down, as a whole or in stripes, and the noise of a sensor are no motion.
"""

import cv2
import numpy as np
import numpy.typing as npt

from node.domain import Frame, Image, Instant

_MAX_COLUMNS = 64
"""Cells in which light is compared, from left to right, at the most: in 640 px a face of 24 is more than two wide."""

_MIN_CELL_PX = 8
"""Pixels of a cell at the least: the mean over fewer leaves too much of a sensor's noise."""

_ROW_STEP = 2
"""Of so many rows one is read: half of the work, and a cell still has more than enough pixels."""

_STEPS_PER_DOUBLING = 64.0
"""Steps in which light is measured to its double. In a logarithm a lamp that grows brighter adds the same everywhere,
and what is added everywhere can be taken off again."""

_DARK_OFFSET = 16.0
"""Grey levels added before the logarithm: below them a difference is noise rather than light."""

_MIN_CHANGE = 16.0
"""Steps by which a cell must differ from its row: a fifth of its light. It is seven times what a sensor's noise of ten
grey levels (standard deviation) makes between two pictures of a cell a quarter bright, of 10 x 5 pixels read."""

_MIN_CHANGED_CELLS = 3
"""Cells that must differ: a blinking lamp or a second hand is less."""

_LINGER_S = 2.0
"""Seconds after the last motion for which every frame is searched."""

_IDLE_SEARCH_S = 1.0
"""Seconds after which a picture in which nothing moves is searched."""

_LOG_LIGHT = (_STEPS_PER_DOUBLING * np.log2(np.arange(256) + _DARK_OFFSET)).astype(np.float32)

_Cells = npt.NDArray[np.float32]
"""Shape (rows, columns), float32: the logarithm of the light of each cell."""


class Motion:
    """Says of each frame whether it is searched."""

    def __init__(self) -> None:
        self._light = Light()
        self._searched: _Cells | None = None
        self._searched_s = float("-inf")
        self._moved_s = float("-inf")

    def needs_search(self, at: Instant, frame: Frame, *, anyone_in_view: bool) -> bool:
        """Return whether the frame is to be searched; the one that is, the next ones are compared with.

        Args:
            at: when it was taken.
            frame: its small picture is compared where there is one.
            anyone_in_view: whether somebody is in view.
        """
        if anyone_in_view:  # nothing is asked, so nothing is measured; the first frame without anybody begins anew
            self._searched = None
            return True
        cells = self._light.measure(frame.image if frame.small is None else frame.small)
        if self._searched is None or differs(cells, self._searched):
            self._moved_s = at.mono_s
        since_s = at.mono_s - self._moved_s
        if since_s >= _LINGER_S and at.mono_s - self._searched_s < _IDLE_SEARCH_S:
            return False
        self._searched, self._searched_s = cells.copy(), at.mono_s
        return True


class Light:
    """Measures the light of a picture's cells, in memory that it keeps."""

    def __init__(self) -> None:
        self._grey = np.empty((0, 0), np.uint8)
        self._small = np.empty((0, 0), np.uint8)
        self._cells: _Cells = np.empty((0, 0), np.float32)

    def measure(self, image: Image) -> _Cells:
        """Return the logarithm of each cell's mean light, in 64ths of a doubling; overwritten by the next call.

        Args:
            image: shape (height, width, 3), uint8, RGB; what is left of it beyond whole cells is not looked at.
        """
        side = min(max(_MIN_CELL_PX, image.shape[1] // _MAX_COLUMNS), image.shape[1])
        read = image[::_ROW_STEP]
        high = min(max(1, side // _ROW_STEP), read.shape[0])  # whole numbers, for which OpenCV takes plain means
        rows, columns = read.shape[0] // high, read.shape[1] // side
        if self._grey.shape != (rows * high, columns * side):
            self._grey = np.empty((rows * high, columns * side), np.uint8)
            self._small = np.empty((rows, columns), np.uint8)
            self._cells = np.empty((rows, columns), np.float32)
        cv2.cvtColor(read[: rows * high, : columns * side], cv2.COLOR_RGB2GRAY, dst=self._grey)
        cv2.resize(self._grey, (columns, rows), dst=self._small, interpolation=cv2.INTER_AREA)
        cv2.LUT(self._small, _LOG_LIGHT, dst=self._cells)
        return self._cells


def differs(cells: _Cells, others: _Cells) -> bool:
    """Return whether something is in one picture that is not in the other.

    What a whole row gained or lost is light: lamps flicker with the mains, and a sensor that reads row by row shows it
    in stripes.
    """
    if cells.shape != others.shape:
        return True
    change = cells - others
    change -= change.mean(axis=1, keepdims=True)
    return int(np.count_nonzero(np.abs(change) > _MIN_CHANGE)) >= _MIN_CHANGED_CELLS
