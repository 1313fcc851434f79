"""Photos of somebody -> faces fit to be enrolled, or the reason why a photo is not."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from node.camera.picture import read_picture
from node.domain import Face, Frame, Image, Look
from node.errors import CameraError
from node.people.gallery import Sample

_RIVAL = 0.7
"""A second face this large beside the largest, by area, leaves open who is meant."""


class Finder(Protocol):
    """Finds faces."""

    def detect(self, frame: Frame) -> tuple[Face, ...]:
        """Return the faces, the largest first."""
        ...


class Looker(Protocol):
    """Looks at faces."""

    def look(self, image: Image, face: Face) -> Look:
        """Return what there is to see in one face."""
        ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """A photo that cannot be taken, and why."""

    photo: str
    reason: str


def examine(photo: Path, finder: Finder, looker: Looker, *, keep_crop: bool) -> Sample | Refusal:
    """Return the face of a photo as a sample, or why it cannot be one."""
    try:
        image = read_picture(photo)
    except CameraError as error:
        return Refusal(str(photo), str(error))
    return examine_image(image, str(photo), finder, looker, keep_crop=keep_crop)


def examine_image(image: Image, name: str, finder: Finder, looker: Looker, *, keep_crop: bool) -> Sample | Refusal:
    """Return the face of a picture, shape (height, width, 3), uint8, RGB, as a sample, or why it cannot be one."""
    faces = finder.detect(Frame(image))
    if not faces:
        return Refusal(name, "no face found")
    areas = [face.box.width * face.box.height for face in faces]
    if len(faces) > 1 and areas[1] > _RIVAL * areas[0]:
        return Refusal(name, "two faces of about the same size: crop the photo to the one that is meant")
    look = looker.look(image, faces[0])
    if look.embedding is None:
        return Refusal(name, f"the face is unusable: {', '.join(look.flaws)}")
    return Sample(look.embedding, Path(name).name, look.crop if keep_crop else None)
