"""YuNet's ONNX file in OpenCV, which the TFLite files are compared with."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from node.domain import Box, Face, Frame
from node.vision.cells import OVERLAP

_MOST = 200  # boxes that OpenCV compares, the best first


class OpenCvDetector:
    """A detector in OpenCV.

    Args:
        path: the `.onnx` file.
        min_score: least confidence, 0..1.
    """

    def __init__(self, path: Path, min_score: float = 0.7) -> None:
        self._net = cv2.FaceDetectorYN.create(str(path), "", (1, 1), min_score, OVERLAP, _MOST)

    def detect(self, frame: Frame) -> tuple[Face, ...]:
        """Return the faces, the highest score first."""
        rows, columns = frame.image.shape[:2]
        self._net.setInputSize((columns, rows))
        found: Any = self._net.detect(cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR))[1]  # None without a face
        if found is None:
            return ()
        points = (found[:, :14].reshape(-1, 7, 2) / np.array((columns, rows), np.float32)).tolist()
        return tuple(
            Face(Box(*corner, *size), tuple((x, y) for x, y in keypoints), score)
            for (corner, size, *keypoints), score in zip(points, found[:, 14].tolist(), strict=True)
        )
