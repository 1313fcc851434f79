"""The detector's files and the face data -> the figures of each file on each TFLite runtime, and of OpenCV."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from models.data.crops import central_face, read_image
from models.data.face_scenes import FaceDetector, FaceScene, face_scenes, portrait_scene, textures
from models.data.manifests import lfw_pairs, lfw_people
from models.data.samples import Pair
from models.evaluation.detection import Embed, ScenePair, agreement, recall, verify
from models.evaluation.figure import Figure
from models.evaluation.opencv_detector import OpenCvDetector
from models.names import EMBEDDING
from node.domain import Face, Frame, Image, Vector
from node.vision.aligner import Aligner
from node.vision.tflite import Network

PORTRAITS, TEXTURES = 600, 330
"""How many portraits, each in three scenes, and how many pictures without a face."""
_SEED = 11
_PAIR_WIDTHS_PX = (27, 36, 48, 64, 90)
_EMBEDDING_NETWORK = Path(__file__).resolve().parents[1] / "zoo" / "mobilefacenet.float32.tflite"

REFERENCE = "OpenCV"


class EvaluationData:
    """All scenes that detectors are measured on.

    Args:
        onnx: the file that the detectors are made from.
        data: the folder of face data.
        portraits: how many portraits.
        pairs: how many pairs; None for all.

    Raises:
        DataError: the face data is missing.
    """

    def __init__(self, onnx: Path, data: Path, portraits: int = PORTRAITS, pairs: int | None = None) -> None:
        self._reference = OpenCvDetector(onnx)
        people = [sample for sample in lfw_people(data) if sample.split == "val"]
        chosen = people[:: max(1, len(people) // portraits)][:portraits]
        self._scenes = list(face_scenes([read_image(each.path) for each in chosen], self._reference, _SEED))
        self._empty = list(textures(TEXTURES, _SEED))
        self._pairs = list(_scene_pairs(lfw_pairs(data)[:pairs], self._reference))
        self._embed = _embedder()

    def measure(self, detectors: Mapping[str, FaceDetector]) -> dict[str, list[Figure]]:
        """Return the figures of the reference and of each detector, by its name."""
        return {
            name: [
                *recall(detector, self._scenes, self._empty),
                *(agreement(detector, self._reference, self._scenes, self._embed) if name != REFERENCE else ()),
                *verify(detector, self._pairs, self._embed),
            ]
            for name, detector in {REFERENCE: self._reference, **detectors}.items()
        }


def _scene_pairs(pairs: Sequence[Pair], reference: FaceDetector) -> Iterator[ScenePair]:
    """Yield the pairs as scenes, each face with a width of its own; a portrait without a face is left out."""
    for number, pair in enumerate(pairs):
        sides = [_scene(path, 2 * number + side, reference) for side, path in enumerate((pair.left, pair.right))]
        if sides[0] is not None and sides[1] is not None:
            yield ScenePair(sides[0], sides[1], pair.same)


def _scene(path: Path, number: int, reference: FaceDetector) -> FaceScene | None:
    portrait = read_image(path)
    face = central_face(reference.detect(Frame(portrait)))
    if face is None:
        return None
    return portrait_scene(portrait, face, _PAIR_WIDTHS_PX[number % len(_PAIR_WIDTHS_PX)], _SEED + number)


def _embedder() -> Embed:
    network = Network(_EMBEDDING_NETWORK)
    aligner = Aligner(network.sidecar.input.alignment.points, network.sidecar.input.size)

    def embed(image: Image, face: Face) -> Vector:
        return network.infer(aligner.align(image, face).crop)[EMBEDDING]

    return embed
