"""A detector and composed scenes -> its figures: recall by face width, false positives, agreement, verification.

A face counts as found if a box overlaps its own by at least half. A face's own box is the one that the reference finds
in the portrait at its original size.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.data.face_scenes import FaceDetector, FaceScene
from models.data.scenes import SIZE
from models.evaluation.figure import Figure, share_of
from models.evaluation.metrics import tar_at_far, verification, wilson
from node.domain import Box, Face, Frame, Image, Vector, overlap

Embed = Callable[[Image, Face], Vector]
"""Returns the embedding of a face, shape (n,), float32, unit length."""

EMPTY, AGREEMENT, PAIRS = "textures without a face", "against OpenCV", "pairs of LFW, faces 27 to 90 px wide"
_MATCH = 0.5
_FAR = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class ScenePair:
    """Two scenes with one face each, and whether they show one person."""

    left: FaceScene
    right: FaceScene
    same: bool


def recall(detector: FaceDetector, scenes: Sequence[FaceScene], empty: Sequence[Image]) -> list[Figure]:
    """Return the recall by background and width, the boxes in scenes that are no face, and those without any face."""
    found: dict[tuple[str, int], list[bool]] = {}
    others = 0
    for scene in scenes:
        faces = detector.detect(Frame(scene.image))
        match = matching(faces, scene.box)
        found.setdefault((scene.background, scene.width_px), []).append(match is not None)
        others += len(faces) - (match is not None)
    figures = [
        share_of(f"recall, {background} background", f"{width_px} px", wilson(sum(hits), len(hits)))
        for (background, width_px), hits in sorted(found.items())
    ]
    false = sum(bool(detector.detect(Frame(image))) for image in empty)
    return [
        *figures,
        Figure(EMPTY, "scenes: boxes that are no face, a scene", others / len(scenes), len(scenes)),
        share_of(EMPTY, "pictures in which a face is found", wilson(false, len(empty))),
    ]


def agreement(
    detector: FaceDetector, reference: FaceDetector, scenes: Iterable[FaceScene], embed: Embed
) -> list[Figure]:
    """Return how far the faces are from those of the reference, where both find them."""
    rows = []
    for scene in scenes:
        mine, theirs = (matching(each.detect(Frame(scene.image)), scene.box) for each in (detector, reference))
        if mine is not None and theirs is not None:
            cosine = float(embed(scene.image, mine) @ embed(scene.image, theirs))
            rows.append((overlap(mine.box, theirs.box), _apart_px(mine, theirs), cosine))
    overlaps, apart_px, cosines = np.array(rows).T
    values: Mapping[str, np.float64] = {
        "overlap of the boxes, mean": overlaps.mean(),
        "distance of the landmarks, px, mean": apart_px.mean(),
        "distance of the landmarks, px, 95th percentile": np.quantile(apart_px, 0.95),
        "cosine of the embeddings, median": np.median(cosines),
        "cosine of the embeddings, 5th percentile": np.quantile(cosines, 0.05),
    }
    return [Figure(AGREEMENT, name, float(value), len(rows)) for name, value in values.items()]


def verify(detector: FaceDetector, pairs: Sequence[ScenePair], embed: Embed) -> list[Figure]:
    """Return how well pairs are told apart; a pair with a face that is not found is left out, and counted."""

    def embedding(scene: FaceScene) -> Vector | None:
        face = matching(detector.detect(Frame(scene.image)), scene.box)
        return None if face is None else embed(scene.image, face)

    scores, same = [], []
    for pair in pairs:
        left, right = embedding(pair.left), embedding(pair.right)
        if left is not None and right is not None:
            scores.append(float(left @ right))
            same.append(pair.same)
    cosines: npt.NDArray[np.float64] = np.array(scores)
    kinds: npt.NDArray[np.bool_] = np.array(same)
    genuine, impostors = cosines[kinds], cosines[~kinds]
    accepted = round(tar_at_far(genuine, impostors, _FAR) * len(genuine))
    right_pairs = round(verification(cosines, kinds) * len(cosines))
    return [
        share_of(PAIRS, f"true accepts at {_FAR:.0%} false accepts", wilson(accepted, len(genuine))),
        share_of(PAIRS, "accuracy", wilson(right_pairs, len(cosines))),
        share_of(PAIRS, "both faces found", wilson(len(cosines), len(pairs))),
    ]


def matching(faces: Sequence[Face], box: Box) -> Face | None:
    """Return the face whose box overlaps this one by at least half; None without one."""
    return next((face for face in faces if overlap(face.box, box) >= _MATCH), None)


def _apart_px(a: Face, b: Face) -> float:
    """Return the mean distance of the keypoints, pixels."""
    moved = (np.array(a.keypoints) - np.array(b.keypoints)) * SIZE[::-1]
    return float(np.linalg.norm(moved, axis=1).mean())
