"""Photos of a person -> faces to enroll, or the reason why a photo is refused."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from node.camera.image_decoder import ImageDecoder
from node.domain import Face, Frame, Image, Look
from node.errors import CameraError
from node.people.gallery import Sample
from node.people.matcher import GalleryMatcher
from node.people.person import Person
from node.system.caller_files import OpenedFile
from node.system.text import valid

_TURNS = (180, 90, 270)
"""Turns, degrees clockwise, that are tried where an image shows no usable face as it is."""

_AMBIGUOUS_AREA = 0.7
"""Share of the area of the largest face above which the second largest makes the photo ambiguous."""


class FaceDetector(Protocol):
    """Finds faces."""

    def detect(self, frame: Frame) -> tuple[Face, ...]:
        """Return the faces, largest first."""
        ...


class FaceRecognizer(Protocol):
    """Runs the network on faces."""

    def look(self, image: Image, face: Face) -> Look:
        """Return a look at one face."""
        ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """A photo that was refused, and why."""

    photo: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Enrollee:
    """Who is being enrolled, and among enrollee.

    Attributes:
        person: the id.
        matcher: over everybody known so far.
        force: accept a face even if it matches somebody else.
    """

    person: str
    matcher: GalleryMatcher
    force: bool = False

    def margin(self, look: Look) -> float | None:
        """Return by how much a look reaches the threshold of this person; None if there is nothing to compare."""
        score = None if look.embedding is None else self.matcher.scores(look.embedding).get(self.person)
        return None if score is None else score.margin

    def objection(self, look: Look) -> str | None:
        """Return why a look shows somebody else; None if it does not."""
        if self.force or look.embedding is None:
            return None
        match = self.matcher.match(look.embedding, {})
        if match.person in (None, self.person) or match.margin is None:
            return None
        own = self.margin(look)
        compared = "" if own is None else f", {own:+.2f} for {self.person}"
        return f"the face is {match.person}'s (margin {match.margin:+.2f}{compared})"


def people_with(people: Sequence[Person], person: str) -> Sequence[Person]:
    """Return everybody, including the person being enrolled: the threshold is that of the gallery to come."""
    return people if any(each.id == person for each in people) else (*people, Person(person, person, ()))


def examine(  # noqa: PLR0913 - a photo, its decoder, detector, recognizer, and the person being enrolled
    photo: Path | OpenedFile,
    detector: FaceDetector,
    recognizer: FaceRecognizer,
    *,
    decoder: ImageDecoder,
    keep_crop: bool,
    enrollee: Enrollee | None = None,
) -> Sample | Refusal:
    """Return the face in a photo as a sample, or why the photo is refused."""
    try:
        image = decoder.decode(photo)
    except CameraError as error:
        return Refusal(str(photo), str(error))
    return examine_image(image, str(photo), detector, recognizer, keep_crop=keep_crop, enrollee=enrollee)


def examine_image(  # noqa: PLR0913 - an image, its name, detector, recognizer, and the person being enrolled
    image: Image,
    name: str,
    detector: FaceDetector,
    recognizer: FaceRecognizer,
    *,
    keep_crop: bool,
    enrollee: Enrollee | None = None,
) -> Sample | Refusal:
    """Return the face in an image as a sample, or why the image is refused.

    Of several faces the one recognized as the person is taken, else the largest. The image is refused if another face
    is nearly as large, or if the person is known and another face is nearer to them.

    An image without any usable face is turned by 90, 180 and 270 degrees, and taken as it is with the first turn that
    gives one. An image with a usable face is upright, and never turned.

    Args:
        image: shape (height, width, 3), uint8, RGB.
        name: of the image, for the sample and the refusal.
        detector: finds faces.
        recognizer: runs the network on them.
        keep_crop: whether the sample includes the aligned face.
        enrollee: who is being enrolled; without it faces are compared with nobody.
    """
    upright = _examine_turned(0, image, name, detector, recognizer, keep_crop=keep_crop, enrollee=enrollee)
    if upright.decided:
        return upright.result
    for turn in _TURNS:
        turned = _examine_turned(turn, image, name, detector, recognizer, keep_crop=keep_crop, enrollee=enrollee)
        if turned.decided:
            return turned.result
    return upright.result


@dataclass(frozen=True, slots=True)
class _Examined:
    """The result of one turn of an image, and whether it shows a usable face, so that no other turn is tried."""

    result: Sample | Refusal
    decided: bool


def _examine_turned(  # noqa: PLR0913 - as examine_image
    turn: int,
    image: Image,
    name: str,
    detector: FaceDetector,
    recognizer: FaceRecognizer,
    *,
    keep_crop: bool,
    enrollee: Enrollee | None,
) -> _Examined:
    """Return the result for an image turned clockwise by a multiple of 90 degrees."""
    turned = np.ascontiguousarray(np.rot90(image, -turn // 90)) if turn else image
    faces = detector.detect(Frame(turned))
    result = _chosen(turned, name, faces, recognizer, keep_crop=keep_crop, enrollee=enrollee)
    if isinstance(result, Sample):
        return _Examined(replace(result, turn=turn), decided=True)
    return _Examined(result, decided=any(recognizer.look(turned, face).usable for face in faces))


def _chosen(  # noqa: PLR0913 - as examine_image
    image: Image,
    name: str,
    faces: Sequence[Face],
    recognizer: FaceRecognizer,
    *,
    keep_crop: bool,
    enrollee: Enrollee | None,
) -> Sample | Refusal:
    """Return the face to enroll among all faces of an image, or why there is none."""
    if not faces:
        return Refusal(name, "no face found")
    look = _select(image, faces, recognizer, enrollee)
    if isinstance(look, str):
        return Refusal(name, f"{look}: crop the photo to the face to enroll")
    if look.embedding is None:
        return Refusal(name, f"the face is unusable: {', '.join(look.flaws)}")
    objection = enrollee.objection(look) if enrollee else None
    if objection:
        return Refusal(name, f"{objection}: use --force to accept it")
    return Sample(look.embedding, valid(Path(name).name), look.crop if keep_crop else None)


def _select(image: Image, faces: Sequence[Face], recognizer: FaceRecognizer, enrollee: Enrollee | None) -> Look | str:
    """Return the look at the face to enroll, or why the image is ambiguous."""
    first = recognizer.look(image, faces[0])
    if len(faces) == 1:
        return first
    if enrollee is not None:
        looks = [first, *(recognizer.look(image, face) for face in faces[1:])]
        scored = [
            (margin, number) for number, look in enumerate(looks) if (margin := enrollee.margin(look)) is not None
        ]
        margin, nearest = max(scored, default=(float("-inf"), 0))
        if margin >= 0:
            return looks[nearest]
        if nearest != 0:
            return f"none of {len(faces)} faces is recognized as {enrollee.person}"
    return "two faces of about the same size" if _area(faces[1]) > _AMBIGUOUS_AREA * _area(faces[0]) else first


def _area(face: Face) -> float:
    return face.box.width * face.box.height
