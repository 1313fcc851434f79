"""The cells of a detector's outputs -> faces in pixels, each once.

YuNet gives 16 numbers a cell: the logits of class and object, the box's center and size, five keypoints. Decoding and
non-maximum suppression follow OpenCV's `FaceDetectorYN`, so that the same network finds the same faces in the same
order: boxes are cut to whole pixels, and of two boxes that overlap by more than `OVERLAP` the one with the lower score
goes.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Cells = npt.NDArray[np.float32]
"""Shape (cells, 16), float32, row by row of the map."""

Rows = npt.NDArray[np.float32]
"""Faces, shape (n, 15), float32: left, top, width, height and five keypoints (x, y) in pixels, and the score, 0..1."""

OVERLAP = 0.3
"""Intersection over union of two boxes from which they are one face; the value that YuNet was published with."""

_MOST = 200
_SCORE, _BOX_FROM, _KEYPOINTS_FROM = 14, 2, 6
_SLACK = 1e-3  # logits: single precision must not lose a cell that is just good enough


class CellDecoder:
    """Reads faces from the cells of pictures of one size.

    Args:
        size: height and width of the network's picture, pixels.
        strides: pixels from one cell to the next, for each output.
        min_score: least score, 0..1.
    """

    def __init__(self, size: tuple[int, int], strides: Sequence[int], min_score: float) -> None:
        self._columns = [size[1] // stride for stride in strides]
        self._strides = tuple(strides)
        self._min_score = min_score
        # The score is the square root of a product of two numbers up to 1: both are at least its square.
        least = min_score * min_score
        self._least_logit = math.log(least / (1 - least)) - _SLACK

    def faces(self, outputs: Sequence[Cells]) -> Rows:
        """Return the faces in the outputs, one for each stride; the highest score first."""
        found = [
            rows
            for cells, columns, stride in zip(outputs, self._columns, self._strides, strict=True)
            if (rows := self._decoded(cells, columns, stride)) is not None
        ]
        return suppressed(np.concatenate(found), self._min_score) if found else np.empty((0, 15), np.float32)

    def _decoded(self, cells: Cells, columns: int, stride: int) -> Rows | None:
        """Return the candidates of one output; None without any, as in most frames."""
        logits = cells[:, :_BOX_FROM]
        (chosen,) = np.nonzero(logits.min(axis=1) > self._least_logit)
        if not chosen.size:
            return None
        scores = np.sqrt((1 / (1 + np.exp(-logits[chosen]))).prod(axis=1))
        good = scores >= self._min_score
        chosen, scores = chosen[good], scores[good]
        if not chosen.size:
            return None
        place = np.stack((chosen % columns, chosen // columns), axis=-1).astype(np.float32)
        values = cells[chosen]
        center = (values[:, _BOX_FROM:4] + place) * stride
        with np.errstate(over="ignore"):  # of a picture a few pixels across the network makes any numbers
            size = np.exp(values[:, 4:_KEYPOINTS_FROM]) * stride
        points = (values[:, _KEYPOINTS_FROM:].reshape(-1, 5, 2) + place[:, np.newaxis]) * stride
        rows: Rows = np.concatenate((center - size / 2, size, points.reshape(-1, 10), scores[:, np.newaxis]), axis=1)
        return rows


def suppressed(rows: Rows, min_score: float = 0.0) -> Rows:
    """Return each face once, the highest score first.

    Args:
        rows: candidates.
        min_score: only what is above it counts, as in OpenCV, which takes what reaches it when there is one alone.
    """
    if len(rows) == 1:
        return rows
    order = np.argsort(-rows[:, _SCORE], kind="stable")
    order = order[rows[order, _SCORE] > min_score][:_MOST]
    rows = rows[order]
    with np.errstate(invalid="ignore"):
        corners = np.trunc(np.nan_to_num(rows[:, :4])).clip(-(2**31), 2**31 - 1).astype(np.int64)
    ends = corners[:, :2] + corners[:, 2:]
    areas = corners[:, 2] * corners[:, 3]
    alive = np.ones(len(rows), dtype=bool)
    for best in range(len(rows) - 1):
        if not alive[best]:
            continue
        rest = slice(best + 1, None)
        shared = np.minimum(ends[best], ends[rest]) - np.maximum(corners[best, :2], corners[rest, :2])
        area = np.where((shared > 0).all(axis=1), shared.prod(axis=1), 0)
        alive[rest] &= area <= OVERLAP * (areas[best] + areas[rest] - area)
    kept: Rows = rows[alive]
    return kept
