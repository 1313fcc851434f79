"""Uploaded photos -> the faces in them, with what speaks against teaching each; and chosen faces -> the gallery."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

import numpy as np

from node.assembly import (
    build_embed,
    build_gallery,
    build_photo_detector,
    build_scoring,
    build_vision,
)
from node.camera.decoder_process import DecoderProcess
from node.contract.payloads import Fields
from node.domain import Face, Frame, Image, Look
from node.errors import CameraError, PeopleError, Reason
from node.people import crop as crops
from node.people.enrolment import Enrollee, people_with
from node.people.gallery import Sample
from node.people.person import checked_id, checked_name, id_for
from node.requests.stills import box_fields, shortfall_fields
from node.settings import Settings
from node.system.caller_files import OpenedFile
from node.system.text import valid
from node.vision.jpeg import portrait_jpeg

_TURNS = (0, 180, 90, 270)
"""Turns, degrees clockwise, that are tried until an image shows a usable face."""
_MAX_FACES = 8
"""Most faces of a photo that are shown, the largest."""


class Photos:
    """Look at photos and add faces; the network is loaded once.

    Args:
        settings: all of them.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._vision = build_vision(settings, ())
        self._detector = build_photo_detector(settings, self._vision)
        sidecar = self._vision.network.sidecar
        self._scoring = build_scoring(settings, sidecar)
        self._gallery = build_gallery(settings, self._scoring)
        self._space = sidecar.heads.embedding.space
        self._embed = build_embed(self._vision.network)

    def look(self, names: Sequence[str], files: Sequence[BinaryIO], person: str | None) -> Fields:
        """Return the faces of photos.

        Args:
            names: of the files.
            files: the photos, which this closes.
            person: the id of whom they are to show; None for somebody new.
        """
        enrollee = self._enrollee(person or "", force=False)
        with DecoderProcess() as decoder:
            found: list[Fields] = []
            for name, file in zip(names, files, strict=True):
                try:
                    image = decoder.decode(OpenedFile(name, file))
                except CameraError as error:
                    found.append({"name": name, "error": str(error).removeprefix(f"{name}: "), "faces": []})
                else:
                    found.append({"name": name, "error": None, "faces": self._faces(image, enrollee)})
        return {"photos": found}

    def add(self, faces: Sequence[Mapping[str, Any]], person: str | None, name: str | None, *, force: bool) -> Fields:
        """Add faces to a person, or to somebody new whose id is made from the name.

        Args:
            faces: each with the name of its file, its content in base64, and where it comes from.
            person: the id; None for somebody new.
            name: the display name of somebody new.
            force: whether to add faces that are nearer to somebody else.

        Raises:
            PeopleError: a face is nearer to somebody else, or the gallery cannot be written.
        """
        self._gallery.reembed(self._space, self._embed)
        known = {each.id: each for each in self._gallery.load()}
        id_ = checked_id(person) if person else id_for(checked_name(name or ""), known)
        enrollee = self._enrollee(id_, force=force)
        samples = [self._sample(each, enrollee) for each in faces]
        before = len(known[id_].anchors) if id_ in known else 0
        changed = self._gallery.add(id_, None if person else name, self._space, samples)
        return {"id": id_, "faces": len(changed.anchors), "added": len(changed.anchors) - before}

    def _enrollee(self, person: str, *, force: bool) -> Enrollee:
        people = people_with(self._gallery.load(), person) if person else self._gallery.load()
        return Enrollee(person, self._scoring.matcher(people, self._settings.people.max_fpir), force=force)

    def _sample(self, given: Mapping[str, Any], enrollee: Enrollee) -> Sample:
        """Return a face that was chosen.

        Raises:
            PeopleError: it is damaged, or nearer to somebody else.
        """
        try:
            crop = crops.decode(str(given["file"]), base64.b64decode(given["png"], validate=True))
        except (ValueError, KeyError, TypeError, binascii.Error) as error:
            raise PeopleError(f"the face is damaged: {error}") from error
        embedding = self._embed(crop)
        match = enrollee.matcher.match(embedding, {})
        if not enrollee.force and match.person not in (None, enrollee.person):
            raise PeopleError(
                f"the face is {match.person}'s ({match.score:.2f})",
                Reason.NEARER,
                {"id": match.person, "score": round(match.score, 2)},
            )
        source = valid(str(given["source"]))[:64]
        return Sample(embedding, source, crop if self._settings.people.keep_crops else None)

    def _faces(self, image: Image, enrollee: Enrollee) -> list[Fields]:
        """Return the faces of an image, which is turned if no face in it is usable as it is."""
        first: list[tuple[Image, Face, Look]] = []
        for turn in _TURNS:
            turned = np.ascontiguousarray(np.rot90(image, -turn // 90)) if turn else image
            faces = self._detector.detect(Frame(turned))[:_MAX_FACES]
            looks = [(turned, face, self._look(turned, face)) for face in faces]
            first = first or looks
            if any(look.usable for _, _, look in looks):
                first = looks
                break
        return [self._fields(shown, face, look, enrollee) for shown, face, look in first]

    def _look(self, image: Image, face: Face) -> Look:
        return self._vision.recognizer.look(image, face, include_unusable=True)

    def _fields(self, image: Image, face: Face, look: Look, enrollee: Enrollee) -> Fields:
        assert look.crop is not None  # noqa: S101 - it was looked at, usable or not
        assert look.embedding is not None  # noqa: S101 - as above
        file, png = crops.encode(look.crop)
        match = enrollee.matcher.match(look.embedding, {})
        nearer = match.person not in (None, enrollee.person)
        shortfalls = () if look.usable else self._vision.recognizer.shortfalls(image, face)
        return {
            "box": box_fields(face.box),
            "file": file,
            "png": base64.b64encode(png).decode(),
            "preview": base64.b64encode(portrait_jpeg(image, face.box)).decode(),
            "shortfalls": [shortfall_fields(each) for each in shortfalls],
            "nearer": {"id": match.person, "score": round(match.score, 2)} if nearer else None,
        }
