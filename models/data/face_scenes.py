"""Portraits -> scenes with one face of a known place and width, and pictures without a face."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from models.data.crops import central_face
from models.data.scenes import SIZE, backgrounds, paste, resized
from node.domain import Box, Face, Frame, Image

WIDTHS_PX = (16, 20, 24, 32, 40, 56, 72, 96, 120)
"""Widths of the faces, pixels."""
_PER_PORTRAIT = 3
"""Scenes of a portrait, of different widths."""


class FaceDetector(Protocol):
    """Finds the faces of a frame."""

    def detect(self, frame: Frame) -> tuple[Face, ...]:
        """Return the faces, largest first."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class FaceScene:
    """A scene with one face.

    Attributes:
        image: shape (480, 640, 3), uint8, RGB.
        box: of the face, in fractions.
        width_px: of the face.
        background: `plain` or `textured`.
    """

    image: Image
    box: Box
    width_px: int
    background: str


def face_scenes(portraits: Sequence[Image], reference: FaceDetector, seed: int) -> Iterator[FaceScene]:
    """Yield scenes of all widths, half of them on a plain background.

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
        for turn in range(_PER_PORTRAIT):
            width_px = WIDTHS_PX[(number + turn * len(WIDTHS_PX) // _PER_PORTRAIT) % len(WIDTHS_PX)]
            is_plain = (number + turn) % 2 == 0
            image = (plain if is_plain else textured[number % len(textured)])(random)
            box = _pasted(image, portrait, face.box, width_px, random)
            yield FaceScene(image, box, width_px, "plain" if is_plain else "textured")


def portrait_scene(portrait: Image, face: Face, width_px: int, seed: int) -> FaceScene:
    """Return a plain scene with a portrait whose face has this width, pixels."""
    random = np.random.default_rng(seed)
    image = backgrounds()[0](random)
    return FaceScene(image, _pasted(image, portrait, face.box, width_px, random), width_px, "plain")


def textures(count: int, seed: int) -> Iterator[Image]:
    """Yield pictures without a face, shape (480, 640, 3), uint8, RGB."""
    random = np.random.default_rng(seed)
    _, *textured = backgrounds()
    return (textured[number % len(textured)](random) for number in range(count))


def _pasted(scene: Image, portrait: Image, box: Box, width_px: int, random: np.random.Generator) -> Box:
    """Put a portrait into a scene and return the box of its face there."""
    side = min(SIZE[0], max(1, round(width_px / box.width)))
    row, column = paste(scene, resized(portrait, side), random)
    rows, columns = SIZE
    return Box(
        (column + box.left * side) / columns,
        (row + box.top * side) / rows,
        box.width * side / columns,
        box.height * side / rows,
    )
