"""A frame -> the faces in it.

YuNet (Wu et al., Machine Intelligence Research 20, 2023) gives a box, five keypoints and a score a face.
"""

import math
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from node.domain import Box, Face, Frame, Image
from node.vision.cells import Rows
from node.vision.detector_file import read_detector
from node.vision.regions import SIDES, Region, Size
from node.vision.tflite import Runtime, find_runtime, started
from node.vision.yunet import Yunet

_SIZES = 3
"""Sizes of whole pictures that are kept ready: a live camera has one, an owner's photos have others."""
_PLACES = (0, 2, 3, 4, 5, 6)
"""Which of a face's seven pairs of numbers are places: the corner and the keypoints, but not the size."""
_BEYOND = 1.0  # a face in view does not reach further past the edge than the frame is long


class Detector:
    """One YuNet, built once.

    Args:
        path: the `.tflite` file; its sidecar lies beside it.
        width: pixels of the longer side on which faces are searched.
        min_score: least confidence, 0..1.
        runtime: which TFLite runtime.
        threads: of the runtime.

    Raises:
        ModelError: the file is missing, damaged, or does not fit its sidecar.
    """

    def __init__(
        self, path: Path, width: int = 640, min_score: float = 0.7, runtime: Runtime = "auto", threads: int = 1
    ) -> None:
        self._width = width
        self.sidecar, content = read_detector(path)
        self.runtime, interpreter_class = find_runtime(runtime)

        def start(threads: int, shape: tuple[int, ...]) -> Any:  # noqa: ANN401 - of either runtime, neither has types
            return started(path, self.runtime, interpreter_class, content, threads, shape=shape)

        self._net = Yunet(partial(start, threads), min_score, _SIZES)
        # A region is too little work for two threads, and those of several interpreters get in each other's way.
        self._regions_net = Yunet(partial(start, 1), min_score, len(SIDES))

    def detect(self, frame: Frame) -> tuple[Face, ...]:
        """Return the faces, the largest first; the small picture of the frame is searched where there is one."""
        searched = self._searched(frame)
        faces = _faces(self._net.find(searched), (0, 0), (searched.shape[0], searched.shape[1]))
        return tuple(sorted(faces, key=lambda face: -face.box.width * face.box.height))

    def detect_in(self, frame: Frame, regions: Iterable[Region]) -> tuple[tuple[Face, ...], ...]:
        """Return the faces in each of some regions of the searched picture; boxes are in fractions of the frame."""
        searched = self._searched(frame)
        size = searched.shape[0], searched.shape[1]
        return tuple(
            tuple(_faces(self._regions_net.find(region.cut_from(searched)), (region.left, region.top), size))
            for region in regions
        )

    def searched_size(self, frame: Frame) -> Size:
        """Return height and width of the picture that is searched, pixels."""
        rows, columns = (frame.image if frame.small is None else frame.small).shape[:2]
        scale = min(1.0, self._width / max(rows, columns))
        return (rows, columns) if scale == 1.0 else (max(1, round(rows * scale)), max(1, round(columns * scale)))

    def bare(self, frame: Frame) -> Callable[[], object]:
        """Return the runtime's own call on this frame, all around it done before: what a benchmark sets beside it."""
        return self._net.prepare(self._searched(frame)).invoke

    def _searched(self, frame: Frame) -> Image:
        """Return the picture that is searched, shape (height, width, 3), uint8, RGB."""
        image = frame.image if frame.small is None else frame.small
        size = self.searched_size(frame)
        if size == image.shape[:2]:
            return image
        shrunk: Any = cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)
        return shrunk  # type: ignore[no-any-return] # OpenCV's type admits every dtype


def plausible(points: list[list[float]], score: float) -> bool:
    """Return whether a detection can be a face: of a picture a few pixels across the network makes any numbers.

    Args:
        points: corner, size and five keypoints, each (x, y) as fractions of the frame.
        score: 0..1.
    """
    corner, size, *keypoints = points
    return (
        math.isfinite(score)
        and all(0 < length <= 1 + 2 * _BEYOND for length in size)
        and all(-_BEYOND <= number <= 1 + _BEYOND for point in (corner, *keypoints) for number in point)
    )


def _faces(found: Rows, corner: tuple[int, int], size: Size) -> list[Face]:
    """Return what was found in a part of a picture, in fractions of the picture.

    Args:
        found: in pixels of the part.
        corner: left and top of the part, pixels of the picture.
        size: height and width of the picture, pixels.
    """
    if not len(found):
        return []
    numbers = found[:, :14].reshape(-1, 7, 2)
    numbers[:, _PLACES] += np.array(corner, dtype=np.float32)
    points = (numbers / np.array(size[::-1], dtype=np.float32)).tolist()
    return [
        _face(place, score)
        for place, score in zip(points, found[:, 14].tolist(), strict=True)
        if plausible(place, score)
    ]


def _face(points: list[list[float]], score: float) -> Face:
    (left, top), (width, height), *keypoints = points
    return Face(Box(left, top, width, height), tuple((x, y) for x, y in keypoints), score)
