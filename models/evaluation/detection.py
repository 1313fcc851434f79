"""A detector and composed scenes -> its recall by face width, its false positives, and its distance from a reference.

A face counts as found if a box overlaps its own by at least half. A face's own box is the one that the reference finds
in the portrait at its original size.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Protocol

import cv2
import numpy as np

from models.data.crops import central_face
from models.data.scenes import SIZE, backgrounds, paste, resized
from node.domain import Box, Face, Frame, Image, Vector, overlap
from node.vision.cells import OVERLAP

WIDTHS_PX = (16, 20, 24, 32, 40, 56, 72, 96, 120)
"""Widths of the faces, pixels."""
_A_FACE = 3
"""Scenes a face, of different widths."""
_MATCH = 0.5
_MOST = 200  # boxes that OpenCV compares, the best first


class FaceDetector(Protocol):
    """Finds the faces of a frame."""

    def detect(self, frame: Frame) -> tuple[Face, ...]:
        """Return the faces, largest first."""
        ...


class OpenCvDetector:
    """The ONNX file in OpenCV, with which the TFLite files are compared.

    Args:
        path: the `.onnx` file.
        min_score: least confidence, 0..1.
    """

    def __init__(self, path: Path, min_score: float = 0.7) -> None:
        self._net = cv2.FaceDetectorYN.create(str(path), "", SIZE[::-1], min_score, OVERLAP, _MOST)

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


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A composed scene with one face.

    Attributes:
        image: shape (480, 640, 3), uint8, RGB.
        box: of the face, in fractions.
        width_px: of the face.
        plain: whether the background is plain.
    """

    image: Image
    box: Box
    width_px: int
    plain: bool


@dataclass(frozen=True, slots=True)
class Recall:
    """How many faces of one width were found."""

    width_px: int
    plain: float
    textured: float
    n: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far faces are from those of the reference.

    Attributes:
        n: faces that both found.
        overlap: mean intersection over union.
        landmarks_px: mean distance of the keypoints, pixels.
        landmarks_p95_px: 95th percentile of a face's mean distance, pixels.
        cosine: mean cosine of the embeddings.
        cosine_p5: 5th percentile.
    """

    n: int
    overlap: float
    landmarks_px: float
    landmarks_p95_px: float
    cosine: float
    cosine_p5: float


@dataclass(frozen=True, slots=True)
class Detections:
    """All figures of a detector.

    Attributes:
        recall: by width.
        unmatched: boxes in the scenes that are no face.
        false_positives: faces in pictures without one, and how many pictures these are.
        agreement: with the reference.
    """

    recall: tuple[Recall, ...]
    unmatched: int
    false_positives: tuple[int, int]
    agreement: Agreement


def scenes(portraits: Sequence[Image], reference: FaceDetector, seed: int) -> Iterator[Scene]:
    """Yield scenes with one face each, half of them on a plain background.

    Args:
        portraits: square pictures, shape (side, side, 3), uint8, RGB.
        reference: says where the face of a portrait is; one without a face is left out.
        seed: of everything random.
    """
    random = np.random.default_rng(seed)
    plain, *textured = backgrounds()
    for number, portrait in enumerate(portraits):
        face = central_face(reference.detect(Frame(portrait)))
        if face is None:
            continue
        for turn in range(_A_FACE):
            width_px = WIDTHS_PX[(number + turn * len(WIDTHS_PX) // _A_FACE) % len(WIDTHS_PX)]
            is_plain = (number + turn) % 2 == 0
            side = min(SIZE[0], max(1, round(width_px / face.box.width)))
            image = (plain if is_plain else textured[number % len(textured)])(random)
            row, column = paste(image, resized(portrait, side), random)
            yield Scene(image, _moved(face.box, row, column, side), width_px, is_plain)


def textures(count: int, seed: int) -> Iterator[Image]:
    """Yield pictures without a face."""
    random = np.random.default_rng(seed)
    _, *textured = backgrounds()
    return (textured[number % len(textured)](random) for number in range(count))


def measure(
    detector: FaceDetector,
    reference: FaceDetector,
    given: Sequence[Scene],
    empty: Sequence[Image],
    embed: Callable[[Image, Face], Vector],
) -> Detections:
    """Return the figures of a detector.

    Args:
        detector: the one that is measured.
        reference: the one that it is compared with.
        given: scenes with one face.
        empty: pictures without a face.
        embed: returns the embedding of a face, shape (n,), float32, unit length.
    """
    found: dict[tuple[int, bool], list[bool]] = {}
    unmatched, pairs = 0, []
    for scene in given:
        faces = detector.detect(Frame(scene.image))
        mine = _match(faces, scene.box)
        found.setdefault((scene.width_px, scene.plain), []).append(mine is not None)
        unmatched += len(faces) - (mine is not None)
        theirs = None if mine is None else _match(reference.detect(Frame(scene.image)), scene.box)
        if mine is not None and theirs is not None:
            cosine = float(embed(scene.image, mine) @ embed(scene.image, theirs))
            pairs.append((overlap(mine.box, theirs.box), _apart_px(mine, theirs), cosine))
    false = sum(len(detector.detect(Frame(image))) for image in empty)
    return Detections(_recall(found), unmatched, (false, len(empty)), _agreement(pairs))


def _recall(found: Mapping[tuple[int, bool], Sequence[bool]]) -> tuple[Recall, ...]:
    return tuple(
        Recall(
            width,
            fmean(found[width, True]),
            fmean(found[width, False]),
            len(found[width, True]) + len(found[width, False]),
        )
        for width in WIDTHS_PX
        if (width, True) in found and (width, False) in found
    )


def _agreement(pairs: Sequence[tuple[float, float, float]]) -> Agreement:
    overlaps, apart, cosines = np.array(pairs).T
    return Agreement(
        len(pairs),
        float(overlaps.mean()),
        float(apart.mean()),
        float(np.quantile(apart, 0.95)),
        float(cosines.mean()),
        float(np.quantile(cosines, 0.05)),
    )


def _match(faces: Sequence[Face], box: Box) -> Face | None:
    return next((face for face in faces if overlap(face.box, box) >= _MATCH), None)


def _apart_px(a: Face, b: Face) -> float:
    size = (SIZE[1], SIZE[0])
    moved = (np.array(a.keypoints) - np.array(b.keypoints)) * size
    return float(np.linalg.norm(moved, axis=1).mean())


def _moved(box: Box, row: int, column: int, side: int) -> Box:
    """Return a portrait's box in the scene that it was pasted into."""
    rows, columns = SIZE
    return Box(
        (column + box.left * side) / columns,
        (row + box.top * side) / rows,
        box.width * side / columns,
        box.height * side / rows,
    )
