"""A frame -> the faces in it, by YuNet.

YuNet (Wu et al., Machine Intelligence Research 20, 2023) gives a box, five keypoints and a score a face.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from node.domain import Box, Face, Frame, Image
from node.errors import ModelError

_NMS_OVERLAP = 0.3  # the value that YuNet was published with
_TOP_K = 200
_BEYOND = 1.0  # a face in view does not reach further past the edge than the frame is long


class Detector:
    """One YuNet, built once.

    Args:
        path: the `.onnx` file.
        width: pixels of the longer side on which faces are searched.
        min_score: least confidence, 0..1.

    Raises:
        ModelError: the file is missing or no such detector.
    """

    def __init__(self, path: Path, width: int = 640, min_score: float = 0.7) -> None:
        if not path.is_file():
            raise ModelError(f"{path}: no such detector file: install the program again")
        self._width = width
        self._size = (0, 0)
        try:
            self._net = cv2.FaceDetectorYN.create(str(path), "", (width, width), min_score, _NMS_OVERLAP, _TOP_K)
        except cv2.error as error:
            raise ModelError(f"{path}: OpenCV cannot load the detector: the file is damaged") from error

    def detect(self, frame: Frame) -> tuple[Face, ...]:
        """Return the faces, the largest first; the small picture of the frame is searched where there is one."""
        found: Any = self._net.detect(self._prepare(frame))[1]  # None without a face
        if found is None:
            return ()
        points = (found[:, :14].reshape(-1, 7, 2) / np.array(self._size, dtype=np.float32)).tolist()
        faces = [
            _face(place, score)
            for place, score in zip(points, found[:, 14].tolist(), strict=True)
            if plausible(place, score)
        ]
        return tuple(sorted(faces, key=lambda face: -face.box.width * face.box.height))

    def bare(self, frame: Frame) -> Callable[[], object]:
        """Return OpenCV's own call on this frame, all around it done before: what a benchmark sets beside `detect`."""
        prepared = self._prepare(frame)
        return lambda: self._net.detect(prepared)

    def _prepare(self, frame: Frame) -> Image:
        """Return the picture that is searched, shape (height, width, 3), uint8, BGR, and set the net to its size."""
        image = frame.image if frame.small is None else frame.small
        rows, columns = image.shape[:2]
        scale = min(1.0, self._width / max(rows, columns))
        size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
        searched: Any = image if scale == 1.0 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        if size != self._size:
            self._net.setInputSize(size)
            self._size = size
        prepared: Image = cv2.cvtColor(searched, cv2.COLOR_RGB2BGR)
        return prepared


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
