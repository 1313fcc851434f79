"""Faces turned in the image plane -> how many are found, usable and recognized by angle, with the gate and without.

    python tests/benchmarks/face_rotation.py [--step DEGREES]

The photos are 60 faces of `lfw9` (test split), enlarged twice; of each of the nine people five other photos are
enrolled. The clip is that of the tests: the man is enrolled from frames 0 to 40, and every other one of the later
frames is turned. Every picture is turned counterclockwise on a plain gray ground that holds all of it.
"""

import argparse
import csv
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from node.assembly import Vision, build_scoring, build_vision
from node.camera.image_file import read_image
from node.camera.video import read_video
from node.domain import Flaw, Frame, Image
from node.people.enrolment import examine_image
from node.people.gallery import Sample
from node.people.matcher import GalleryMatcher
from node.people.person import Anchor, Person
from node.settings.loader import load

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = load(None, {"model": {"threads": 1}}, {}, Path("/nonexistent"))
FACES = 60
_PHOTOS = 5
_MAN = "carl"


@dataclass(frozen=True)
class Pictures:
    """Pictures of known people, upright.

    Attributes:
        name: for the table.
        shown: who is shown, and the picture.
        matcher: over the people enrolled from other pictures.
    """

    name: str
    shown: Sequence[tuple[str, Image]]
    matcher: GalleryMatcher


@dataclass(frozen=True)
class Counts:
    """How many pictures turned by one angle show a face that is found, passes the gates, and is recognized.

    Attributes:
        found: with a face.
        fit: with one that passes every gate but that for faces that are not upright.
        named: of these, recognized as who they are.
        usable: with a face that passes every gate.
        recognized: of these, recognized as who they are.
    """

    found: int
    fit: int
    named: int
    usable: int
    recognized: int


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--step", type=int, default=15, help="degrees between two angles")
    step = parser.parse_args().step
    data = Path(os.environ.get("FACENODE_DATA", "../shared/data"))
    if not data.is_dir():
        sys.stderr.write(f"no face data in {data}: set FACENODE_DATA to its folder\n")
        return 1
    cv2.setNumThreads(1)
    vision = build_vision(SETTINGS, ())
    sets = (photos(vision, data), clip(vision))
    print("     " + "".join(f"  {f'{len(each.shown)} {each.name}':^38}" for each in sets))
    print("     " + "  {:>6}{:^16}{:^16}".format("", "without the gate", "with the gate") * len(sets))
    print("angle" + "  {:>6}{:>8}{:>8}{:>8}{:>8}".format("found", "usable", "recogn.", "usable", "recogn.") * len(sets))
    for angle in range(0, 360, step):
        rows = [count(vision, each, angle) for each in sets]
        print(f"{angle:5}" + "".join(_columns(row) for row in rows), flush=True)
    return 0


def photos(vision: Vision, data: Path) -> Pictures:
    """Return the photos, and a matcher over the people in them."""
    with (data / "lfw9" / "manifest.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    own: dict[str, list[Image]] = {}
    for row in rows:
        if row["split"] == "train" and len(own.setdefault(row["identity"], [])) < _PHOTOS:
            own[row["identity"]].append(_enlarged(data / "lfw9" / row["path"]))
    shown = [(row["identity"], _enlarged(data / "lfw9" / row["path"])) for row in rows if row["split"] == "test"]
    return Pictures("photos", shown[:FACES], _matcher(vision, own))


def clip(vision: Vision) -> Pictures:
    """Return frames of the clip, and a matcher over the man in it."""
    frames = list(read_video(ROOT / "tests" / "media" / "carphone.mp4"))
    return Pictures("frames", [(_MAN, frame) for frame in frames[60::2]], _matcher(vision, {_MAN: frames[:41:10]}))


def count(vision: Vision, pictures: Pictures, angle: float) -> Counts:
    """Count what a node makes of the pictures turned by an angle, degrees counterclockwise."""
    answers = list(_answers(vision, pictures, angle))
    fit = [(usable, right) for fits, usable, right in answers if fits]
    return Counts(
        found=len(answers),
        fit=len(fit),
        named=sum(right for _, right in fit),
        usable=sum(usable for usable, _ in fit),
        recognized=sum(usable and right for usable, right in fit),
    )


def turned(image: Image, angle: float) -> Image:
    """Return an image turned counterclockwise, all of it, on a gray ground."""
    rows, columns = image.shape[:2]
    side = int(np.hypot(rows, columns)) + 2
    matrix = cv2.getRotationMatrix2D((columns / 2, rows / 2), angle, 1.0)
    matrix = matrix + np.array([[0, 0, (side - columns) / 2], [0, 0, (side - rows) / 2]])
    canvas = cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_CUBIC, borderValue=(120, 120, 120))
    return canvas.astype(np.uint8, copy=False)


def _answers(vision: Vision, pictures: Pictures, angle: float) -> Iterator[tuple[bool, bool, bool]]:
    """Yield for each face found whether it passes the other gates, and all of them, and whether it is recognized."""
    for person, image in pictures.shown:
        picture = turned(image, angle)
        faces = vision.detector.detect(Frame(picture))
        if faces:
            look = vision.recognizer.look(picture, faces[0], include_unusable=True)
            assert look.embedding is not None
            right = pictures.matcher.match(look.embedding, {}).person == person
            yield not set(look.flaws) - {Flaw.TILT}, look.usable, right


def _columns(row: Counts) -> str:
    return f"  {row.found:6}{row.fit:8}{row.named:8}{row.usable:8}{row.recognized:8}"


def _matcher(vision: Vision, people: dict[str, list[Image]]) -> GalleryMatcher:
    space = vision.network.sidecar.heads.embedding.space
    known = [
        Person(name, name, tuple(Anchor(each.embedding, space, each.source) for each in _samples(vision, images)))
        for name, images in people.items()
    ]
    return build_scoring(SETTINGS, vision.network.sidecar).matcher(known, SETTINGS.people.max_fpir)


def _samples(vision: Vision, images: Iterable[Image]) -> Iterator[Sample]:
    for image in images:
        result = examine_image(image, "photo", vision.detector, vision.recognizer, keep_crop=False)
        if isinstance(result, Sample):
            yield result


def _enlarged(path: Path) -> Image:
    image = cv2.resize(read_image(path), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    return image.astype(np.uint8, copy=False)


if __name__ == "__main__":
    raise SystemExit(main())
