"""Detector input sizes -> recall by the width of the face, and milliseconds per frame.

    python tests/benchmarks/detector_size.py

Faces of `lfw9` (test split) are pasted at a given width on plain 640x480 frames. The figures justify the default of
`detector.width`. A face counts as found if a box overlaps its own by at least half.
"""

import csv
import os
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from node.camera.image_file import read_image
from node.domain import Box, Frame, Image, overlap
from node.system import bundled
from node.vision.detector import Detector
from node.vision.tflite import find_runtime

FRAME = (480, 640)
INPUTS = (320, 480, 640)
WIDTHS = (16, 20, 24, 32, 40, 56, 80)
FACES = 60


def main() -> int:
    """Print the table."""
    data = Path(os.environ.get("FACENODE_DATA", "../shared/data"))
    if not data.is_dir():
        sys.stderr.write(f"no face data in {data}: set FACENODE_DATA to its folder\n")
        return 1
    with (data / "lfw9" / "manifest.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"][:FACES]
    faces = [
        (
            read_image(data / "lfw9" / row["path"]),
            tuple(int(row[key]) for key in ("box_x", "box_y", "box_w", "box_h")),
        )
        for row in rows
    ]
    cv2.setNumThreads(1)
    print(f"recall of {len(faces)} faces by width in pixels; median milliseconds per 640x480 frame on one thread")
    print("input".ljust(8) + "".join(f"{width:>6}" for width in WIDTHS) + "      ms")
    for size in INPUTS:
        detector = Detector(bundled.detector(find_runtime("auto")[0]), size)
        recalls = [np.mean([found(detector, *placed(image, box, width)) for image, box in faces]) for width in WIDTHS]
        print(str(size).ljust(8) + "".join(f"{recall:6.2f}" for recall in recalls) + f"{median_ms(detector):8.1f}")
    return 0


def placed(image: Image, box: tuple[int, ...], width_px: int) -> tuple[Image, Box]:
    """Return a frame, shape (480, 640, 3), uint8, RGB, with the picture at this face width, and the face's box."""
    scale = width_px / box[2]
    picture = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[: FRAME[0], : FRAME[1]]
    frame = np.full((*FRAME, 3), 118, np.uint8)
    top, left = (FRAME[0] - picture.shape[0]) // 2, (FRAME[1] - picture.shape[1]) // 2
    frame[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    x, y, w, h = (number * scale for number in box)
    return frame, Box((left + x) / FRAME[1], (top + y) / FRAME[0], w / FRAME[1], h / FRAME[0])


def found(detector: Detector, frame: Image, truth: Box) -> bool:
    """Return whether the detector finds the face."""
    return any(overlap(face.box, truth) >= 0.5 for face in detector.detect(Frame(frame)))


def median_ms(detector: Detector, runs: int = 30) -> float:
    """Return the median time of one frame in milliseconds."""
    frame = Frame(np.random.default_rng(0).integers(0, 255, (*FRAME, 3), dtype=np.uint8))
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        detector.detect(frame)
        times.append(time.perf_counter() - start)
    return float(np.median(times)) * 1e3


if __name__ == "__main__":
    raise SystemExit(main())
