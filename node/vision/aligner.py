"""A face in a frame -> the crop that the network was trained on, and how well the face fits it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from node.domain import Face, Image

_GRID = 12
"""Points of the crop, each way, of which it is asked whether they lie beyond the picture."""


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """An aligned face.

    Attributes:
        crop: shape (height, width, 3), uint8, RGB.
        misfit: root mean square distance of the five keypoints from the template's after the best similarity,
            in distances between the eyes of the template: near 0 for a frontal face, large for a profile.
        cut: share of the crop that lies beyond the picture's edge, where it is black, 0..1.
    """

    crop: Image
    misfit: float
    cut: float = 0.0


class Aligner:
    """Turns, scales and shifts faces so that their keypoints come to lie on a template's.

    Args:
        points: the template, (x, y) of five keypoints in pixels of the crop.
        size: height and width of the crop, pixels.
    """

    def __init__(self, points: tuple[tuple[float, float], ...], size: tuple[int, int]) -> None:
        self._template = tuple(complex(x, y) for x, y in points)
        self._size = size
        self._eyes = abs(self._template[1] - self._template[0])
        rows, columns = (np.linspace(0.5, size - 0.5, _GRID) for size in size)
        self._grid = np.add.outer(rows * 1j, columns)
        self._corners = [complex(self._grid[row, column]) for row in (0, -1) for column in (0, -1)]

    def align(self, image: Image, face: Face) -> Aligned:
        """Return the face of a full-resolution picture, shape (height, width, 3), uint8, RGB, as the network wants it.

        What lies beyond the picture's edge is black.
        """
        rows, columns = image.shape[:2]
        keypoints = [complex(x * columns, y * rows) for x, y in face.keypoints]
        turn, shift = similarity(keypoints, self._template)
        squares = (
            abs(turn * point + shift - target) ** 2 for point, target in zip(keypoints, self._template, strict=True)
        )
        misfit = math.sqrt(sum(squares) / len(keypoints)) / self._eyes
        cut = self._beyond(turn, shift, columns, rows)
        height, width = self._size
        scale = abs(turn)
        matrix = np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
        if scale < 0.5:  # noqa: PLR2004 - a bilinear warp looks at four pixels only: halve the picture first
            image, matrix = _halved(image, matrix, face)
        crop = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR)
        return Aligned(crop.astype(np.uint8, copy=False), misfit, cut)

    def _beyond(self, turn: complex, shift: complex, columns: int, rows: int) -> float:
        """Return the share of a grid of points over the crop that comes from beyond the picture."""
        if not abs(turn) > 0:  # keypoints that are no face's: all of the crop is one point
            return 1.0
        corners = [(corner - shift) / turn for corner in self._corners]
        if all(0 <= corner.real < columns and 0 <= corner.imag < rows for corner in corners):
            return 0.0  # so is all that lies between them
        found = (self._grid - shift) / turn
        x, y = found.real, found.imag
        return float(np.mean((x < 0) | (x >= columns) | (y < 0) | (y >= rows)))


def similarity(source: Sequence[complex], target: Sequence[complex]) -> tuple[complex, complex]:
    """Return the similarity that maps points onto others with the least squared distance.

    Points are complex numbers, x + iy. The similarity is z -> a z + b with a = sum(conj(s) t) / sum(|s|^2) about the
    means: the solution in closed form of Umeyama (1991) for two dimensions without reflection.

    Args:
        source: the points.
        target: where they should come to lie, as many.

    Returns:
        a and b; a shift alone where all source points fall together.
    """
    s_mean, t_mean = sum(source) / len(source), sum(target) / len(target)
    pairs = [(s - s_mean, t - t_mean) for s, t in zip(source, target, strict=True)]
    spread = sum(abs(s) ** 2 for s, _ in pairs)
    a = sum((s.conjugate() * t for s, t in pairs), 0j) / spread if spread > 0 else 1 + 0j
    return a, t_mean - a * s_mean


def _halved(image: Image, matrix: npt.NDArray[np.float64], face: Face) -> tuple[Image, npt.NDArray[np.float64]]:
    """Return the surroundings of the face, shrunk so that a bilinear warp skips no pixels, and the matrix for them."""
    rows, columns = image.shape[:2]
    box = face.box
    left = max(0, int((box.left - box.width) * columns))
    top = max(0, int((box.top - box.height) * rows))
    right = min(columns, int((box.left + 2 * box.width) * columns) + 1)
    bottom = min(rows, int((box.top + 2 * box.height) * rows) + 1)
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    part = image[top:bottom, left:right]
    if part.size == 0:  # the box lies beyond the picture
        return image, matrix
    size = (max(1, round(part.shape[1] * scale * 1.5)), max(1, round(part.shape[0] * scale * 1.5)))
    shrunk = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    x, y = part.shape[1] / size[0], part.shape[0] / size[1]
    # A pixel (u, v) of the shrunk part is (left + (u + .5) x - .5, top + (v + .5) y - .5) of the picture.
    back = np.array([[x, 0, left + x / 2 - 0.5], [0, y, top + y / 2 - 0.5], [0, 0, 1]])
    return shrunk.astype(np.uint8, copy=False), matrix @ back
