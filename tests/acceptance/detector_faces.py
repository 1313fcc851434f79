"""A detector and pictures -> box, keypoints and score of each face, as a JSON list for each picture.

    python detector_faces.py DETECTOR RUNTIME PICTURES.npy

Runs where only the program is installed. Boxes and keypoints are in pixels.
"""

import json
import sys
from pathlib import Path
from typing import cast

import numpy as np

from node.domain import Face, Frame
from node.vision.detector import Detector
from node.vision.tflite import Runtime


def main() -> None:
    """Print the faces."""
    detector = Detector(Path(sys.argv[1]), runtime=cast("Runtime", sys.argv[2]))
    pictures = np.load(sys.argv[3])
    rows, columns = pictures.shape[1:3]
    found = [[numbers(face, rows, columns) for face in detector.detect(Frame(picture))] for picture in pictures]
    json.dump({"runtime": detector.runtime, "faces": found}, sys.stdout)


def numbers(face: Face, rows: int, columns: int) -> list[float]:
    """Return left, top, width, height, five keypoints and the score of a face."""
    box = face.box
    places = ((box.left, box.top), (box.width, box.height), *face.keypoints)
    return [*(number for x, y in places for number in (x * columns, y * rows)), face.score]


if __name__ == "__main__":
    main()
