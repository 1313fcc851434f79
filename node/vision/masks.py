"""The parts of the view that are not looked at -> faces, motion and pictures without them.

- A face is masked when its middle lies inside a mask, so that somebody who only leans into it is still seen.
- Motion inside a mask is no reason to search a frame. A cell counts as masked only if all of it lies inside one mask.
- A picture that leaves the loop shows a mask as an even gray. The still for the owner shows what is beneath.
"""

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from node.domain import Box, Face, Image

Cells = npt.NDArray[np.bool_]
"""Shape (rows, columns), bool: cells of a grid over the view."""

Window = tuple[slice, slice]
"""Rows and columns of a part of an image."""

_GRAY = 127
_BRIGHTNESS = 0.4
_INK = (255, 96, 0)
_LINES_PER_SIDE = 40
"""A line is a 40th of the shorter side apart from the next, and a tenth of that wide."""


class Masks:
    """The masks of a node. Without any, every method returns what it was given.

    Args:
        parts: in fractions of the frame.
    """

    def __init__(self, parts: Sequence[Box] = ()) -> None:
        self._parts = tuple(parts)
        self._cells: Cells | None = None

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._parts)

    def visible(self, faces: Iterable[Face]) -> tuple[Face, ...]:
        """Return the faces that are not masked, in their order."""
        if not self._parts:
            return tuple(faces)
        return tuple(face for face in faces if not self._hold(face.box.centre))

    def open_cells(self, rows: int, columns: int) -> Cells | None:
        """Return which cells of a grid over the view are not masked; None if all are.

        The caller must not change the result, which is the same for the same grid.
        """
        if not self._parts:
            return None
        if self._cells is None or self._cells.shape != (rows, columns):
            self._cells = np.ones((rows, columns), np.bool_)
            for part in self._parts:
                top, bottom = _inner(part.top, part.height, rows)
                left, right = _inner(part.left, part.width, columns)
                self._cells[top:bottom, left:right] = False
        return self._cells

    def covered(self, image: Image, window: Window = (slice(None), slice(None))) -> Image:
        """Return a part of an image whose masked pixels are gray; the image itself stays as it is.

        Args:
            image: the whole frame, shape (height, width, 3), uint8, RGB.
            window: the part.
        """
        shown = image[window]
        height, width = image.shape[:2]
        rows, columns = window[0].indices(height), window[1].indices(width)
        for part in self._parts:
            top, bottom = _outer(part.top, part.height, height)
            left, right = _outer(part.left, part.width, width)
            top, bottom = max(top, rows[0]), min(bottom, rows[1])
            left, right = max(left, columns[0]), min(right, columns[1])
            if top < bottom and left < right:
                shown = shown if shown.base is None else shown.copy()
                shown[top - rows[0] : bottom - rows[0], left - columns[0] : right - columns[0]] = _GRAY
        return shown

    def drawn(self, image: Image) -> Image:
        """Return an image with its masks marked: darker, hatched and framed, so that one sees what is beneath.

        Args:
            image: the whole frame, shape (height, width, 3), uint8, RGB; it stays as it is.
        """
        shown = image.copy()
        height, width = image.shape[:2]
        gap = max(4, min(height, width) // _LINES_PER_SIDE)
        thickness = max(1, gap // 10)
        for part in self._parts:
            top, bottom = _outer(part.top, part.height, height)
            left, right = _outer(part.left, part.width, width)
            inside = shown[top:bottom, left:right]
            marked = np.ascontiguousarray(inside * _BRIGHTNESS).astype(np.uint8)
            rows, columns = marked.shape[:2]
            for start in range(0, rows + columns, gap):
                cv2.line(marked, (start, 0), (start - rows, rows), _INK, thickness)
            cv2.rectangle(marked, (0, 0), (columns - 1, rows - 1), _INK, 2 * thickness)
            inside[:] = marked
        return shown

    def _hold(self, point: tuple[float, float]) -> bool:
        x, y = point
        return any(
            part.left <= x <= part.left + part.width and part.top <= y <= part.top + part.height for part in self._parts
        )


NO_MASKS = Masks()
"""Of a view that is looked at everywhere."""


def _inner(start: float, length: float, count: int) -> tuple[int, int]:
    """Return the first cell that lies wholly inside, and the one behind the last, with an eye to rounding."""
    return int(np.ceil(start * count - 1e-6)), max(0, int(np.floor((start + length) * count + 1e-6)))


def _outer(start: float, length: float, count: int) -> tuple[int, int]:
    """Return the first pixel that lies inside at least in part, and the one behind the last."""
    return int(np.floor(start * count + 1e-6)), min(count, int(np.ceil((start + length) * count - 1e-6)))
