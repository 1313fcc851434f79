"""A frame -> the faces in it.

YuNet (Wu et al., Machine Intelligence Research 20, 2023) gives a box, five keypoints and a score a face.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from node.domain import Box, Face, Frame, Image
from node.vision.detector_file import read_detector
from node.vision.tflite import Runtime, find_runtime, started
from node.vision.yunet import Yunet

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
        self._net = Yunet(lambda: started(path, self.runtime, interpreter_class, content, threads), min_score)

    def detect(self, frame: Frame) -> tuple[Face, ...]:
        """Return the faces, the largest first; the small picture of the frame is searched where there is one."""
        searched = self._searched(frame)
        found = self._net.find(searched)
        if not len(found):
            return ()
        rows, columns = searched.shape[:2]
        points = (found[:, :14].reshape(-1, 7, 2) / np.array((columns, rows), dtype=np.float32)).tolist()
        faces = [
            _face(place, score)
            for place, score in zip(points, found[:, 14].tolist(), strict=True)
            if plausible(place, score)
        ]
        return tuple(sorted(faces, key=lambda face: -face.box.width * face.box.height))

    def bare(self, frame: Frame) -> Callable[[], object]:
        """Return the runtime's own call on this frame, all around it done before: what a benchmark sets beside it."""
        return self._net.prepare(self._searched(frame)).invoke

    def _searched(self, frame: Frame) -> Image:
        """Return the picture that is searched, shape (height, width, 3), uint8, RGB."""
        image = frame.image if frame.small is None else frame.small
        rows, columns = image.shape[:2]
        scale = min(1.0, self._width / max(rows, columns))
        if scale == 1.0:
            return image
        size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
        shrunk: Any = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
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


def _face(points: list[list[float]], score: float) -> Face:
    (left, top), (width, height), *keypoints = points
    return Face(Box(left, top, width, height), tuple((x, y) for x, y in keypoints), score)
