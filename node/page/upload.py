"""What the page's own process has found in uploaded pictures -> what is used at once, and what the owner must choose.

A picture with one good face that looks like nobody else is used at once. Any other waits, in memory and for a few
minutes, until the owner says which face it is, or that a doubtful one is to be taught anyway.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from node.page.shortfalls import shortfall_sentence
from node.page.texts import Sentence, say


@dataclass(frozen=True, slots=True)
class UploadedFace:
    """A face in an uploaded picture.

    Attributes:
        file: name of the file of the aligned face.
        png: its content.
        preview: a small JPEG with hair and shoulders.
        doubt: why it should not be taught; None if nothing speaks against it.
    """

    file: str
    png: bytes
    preview: bytes
    doubt: Sentence | None


@dataclass(frozen=True, slots=True)
class UploadedPicture:
    """An uploaded picture.

    Attributes:
        name: of the file.
        faces: in it, the largest first.
        problem: why it cannot be used at all; None if it can.
    """

    name: str
    faces: tuple[UploadedFace, ...]
    problem: Sentence | None

    @property
    def good(self) -> UploadedFace | None:
        """The face that is used at once; None if the owner must choose."""
        only = self.faces[0] if len(self.faces) == 1 else None
        return only if only is not None and only.doubt is None else None


@dataclass(frozen=True, slots=True)
class Upload:
    """Pictures that wait for the owner's choice.

    Attributes:
        person: the id; empty for somebody new.
        name: the display name.
        pictures: those that are not used yet, and those that cannot be.
    """

    person: str
    name: str
    pictures: tuple[UploadedPicture, ...]


def pictures_of(answer: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> tuple[UploadedPicture, ...]:
    """Return the pictures that the process has looked at.

    Args:
        answer: of `photos_look`.
        names: the display name of each person, by id.
    """
    return tuple(_picture(each, names) for each in answer)


def _picture(given: Mapping[str, Any], names: Mapping[str, str]) -> UploadedPicture:
    name = str(given["name"])
    if given["error"] is not None:
        return UploadedPicture(name, (), say("upload.unreadable", file=name, why=str(given["error"])))
    faces = tuple(
        UploadedFace(
            face["file"], base64.b64decode(face["png"]), base64.b64decode(face["preview"]), _doubt(face, names)
        )
        for face in given["faces"]
    )
    return UploadedPicture(name, faces, None if faces else say("upload.no_face", file=name))


def _doubt(face: Mapping[str, Any], names: Mapping[str, str]) -> Sentence | None:
    if face["shortfalls"]:
        return say("upload.unusable", why=shortfall_sentence(face["shortfalls"][0]))
    nearer = face["nearer"]
    if nearer is None:
        return None
    return say("upload.nearer", name=names.get(nearer["id"], nearer["id"]), score=f"{nearer['score']:.2f}")
