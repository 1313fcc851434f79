"""Samples -> aligned face crops, made with the node's own detector and aligner."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from models.data.cache import FOLDER, Arrays, compute_cached, digest
from models.data.samples import Sample
from models.errors import DataError
from node.domain import Face, Frame, Image
from node.settings import DetectorSettings
from node.vision.aligner import Aligner
from node.vision.detector import Detector
from node.vision.tflite import find_runtime

_VERSION = 1
"""Raise it when the detector, the aligner or their defaults change what a crop shows: all crops are then made anew."""
DETECTOR = Path(__file__).resolve().parents[1] / "detector" / "yunet.float32.tflite"


@dataclass(frozen=True, slots=True)
class Cut:
    """Geometry of an aligned crop.

    Attributes:
        points: positions of the five keypoints, (x, y) in pixels of the network's input.
        size: height and width of the network's input, pixels.
        margin_px: margin around it, pixels.
    """

    points: tuple[tuple[float, float], ...]
    size: tuple[int, int]
    margin_px: int = 0

    @property
    def outer(self) -> tuple[int, int]:
        """Height and width with the margin, pixels."""
        return self.size[0] + 2 * self.margin_px, self.size[1] + 2 * self.margin_px


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """The aligned faces of some samples.

    Attributes:
        samples: the samples with a face.
        images: their crops, shape (n, height, width, 3), uint8, RGB.
        missed: the samples in which no face was found.
    """

    samples: tuple[Sample, ...]
    images: npt.NDArray[np.uint8]
    missed: tuple[Sample, ...]


def read_image(path: Path) -> Image:
    """Return a picture, shape (height, width, 3), uint8, RGB.

    Raises:
        DataError: it is missing or not a picture.
    """
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise DataError(f"{path}: not a readable picture: download it again or remove it from the manifest")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def central_face(faces: Sequence[Face]) -> Face | None:
    """Return the face nearest to the centre, the subject of a picture in these data sets; None without a face."""

    def off_centre(face: Face) -> float:
        x, y = face.box.centre
        return (x - 0.5) ** 2 + (y - 0.5) ** 2

    return min(faces, key=off_centre, default=None)


class FaceCropper:
    """Find the subject of a picture and crop its face, aligned, as a node does.

    Args:
        cut: geometry of the crop.
        detector: the detector's file.
        settings: settings of the detector; None is a node's defaults.
    """

    def __init__(self, cut: Cut, detector: Path = DETECTOR, settings: DetectorSettings | None = None) -> None:
        settings = settings or DetectorSettings()
        self._detector = Detector(detector, settings.width, settings.min_score)
        margin = cut.margin_px
        self._aligner = Aligner(tuple((x + margin, y + margin) for x, y in cut.points), cut.outer)

    def crop(self, picture: Image) -> Image | None:
        """Return the aligned face, shape (*cut.outer, 3), uint8, RGB; None without a face."""
        face = central_face(self._detector.detect(Frame(picture)))
        return None if face is None else self._aligner.align(picture, face).crop


def load_crops(
    what: str, samples: Sequence[Sample], cut: Cut, cache: Path = FOLDER, *, detector: Path = DETECTOR
) -> Crops:
    """Return the aligned faces of some samples, from the cache where they are there.

    Args:
        what: name of the samples, for the progress line.
        samples: the pictures.
        cut: geometry of the crops.
        cache: the folder of the cache.
        detector: the detector's file.

    Raises:
        DataError: a picture cannot be read.
    """

    def make(part: Sequence[Sample]) -> Arrays:
        cutter = FaceCropper(cut, detector)
        crops = [cutter.crop(read_image(sample.path)) for sample in part]
        blank = np.zeros((*cut.outer, 3), dtype=np.uint8)
        return {
            "found": np.array([crop is not None for crop in crops]),
            "images": np.stack([blank if crop is None else crop for crop in crops]),
        }

    key = digest(cut, _VERSION, detector.name, find_runtime("auto")[0], [str(sample.path) for sample in samples])
    arrays = compute_cached(f"align {what}", samples, make, cache / "crops", key)
    found = arrays["found"]
    return Crops(
        tuple(sample for sample, is_found in zip(samples, found, strict=True) if is_found),
        arrays["images"][found],
        tuple(sample for sample, is_found in zip(samples, found, strict=True) if not is_found),
    )
