"""Pictures, folders and clips -> a line for each picture, with the faces in it."""

import argparse
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from node.assembly import Vision, build_matcher, build_photo_detector, build_scoring, build_vision
from node.camera.decoder_process import DecoderProcess
from node.camera.file_kind import FileKind
from node.camera.folder import PICTURES_AND_CLIPS, find_files
from node.camera.image_decoder import ImageDecoder
from node.domain import UNKNOWN, Face, Frame, Image, Look, counted
from node.errors import CameraError, FacenodeError
from node.people.matcher import Matcher
from node.settings import Settings
from node.system.privileges import as_owner
from node.system.terminal import print_error, print_json, print_line
from node.system.text import valid

_HEADS = ("identity", "age", "ethnicity")
_MAX_REASONS = 100
"""Most files of a path of which the reason is printed why they cannot be read."""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `recognize` to the command line."""
    parser = subparsers.add_parser("recognize", parents=[common])
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a picture, a clip, or a folder of them")
    parser.add_argument("--json", action="store_true", help="print one JSON line for each picture, or frame of a clip")
    parser.add_argument("--embedding", action="store_true", help="with --json: include the embedding")
    parser.add_argument("--source", choices=("gallery", "head"), help="override people.source")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Print the faces of each picture; report those that cannot be read, and go on."""
    if args.source:
        settings = settings.model_copy(update={"people": settings.people.model_copy(update={"source": args.source})})
    failed = False
    with DecoderProcess() as decoder:  # it starts while the network is loaded
        vision = build_vision(settings, _HEADS)
        photo_detector = build_photo_detector(settings, vision)
        with as_owner(settings.storage.dir) if settings.people.source == "gallery" else nullcontext():
            sidecar = vision.network.sidecar
            matcher = build_matcher(settings, sidecar, build_scoring(settings, sidecar))
        for path in args.paths:
            try:
                for file, frame, image in _images(path, decoder):
                    detector = photo_detector if frame is None else vision.detector
                    faces = describe(image, detector.detect(Frame(image)), vision, matcher, embedding=args.embedding)
                    source = {"path": valid(str(file))} | ({} if frame is None else {"frame": frame})
                    if args.json:
                        print_json(source | faces)
                    else:
                        print_line(_line(source, faces))
            except _UnreadableError as error:
                failed = True
                for reason in error.reasons[:_MAX_REASONS]:
                    print_error(reason)
                if more := len(error.reasons[_MAX_REASONS:]):
                    print_error(f"{path}: {counted(more, 'more file')} cannot be read")
    return int(failed)


class _UnreadableError(FacenodeError):
    """Some pictures cannot be read."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


def describe(
    image: Image, found: Iterable[Face], vision: Vision, matcher: Matcher, *, embedding: bool = False
) -> dict[str, Any]:
    """Return the faces of a picture, shape (height, width, 3), uint8, RGB, as `recognize --json` prints them."""
    faces = []
    for face in found:
        look = vision.recognizer.look(image, face, include_unusable=True)
        box = face.box
        entry: dict[str, Any] = {
            "box": [round(number, 3) for number in (box.left, box.top, box.width, box.height)],
            "score": round(face.score, 2),
            "usable": look.usable,
        }
        if look.flaws:
            entry["flaws"] = [str(flaw) for flaw in look.flaws]
        faces.append(entry | _answers(look, vision, matcher, embedding=embedding))
    return {"faces": faces}


def _answers(look: Look, vision: Vision, matcher: Matcher, *, embedding: bool) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    if look.embedding is None:
        return answers
    match = matcher.match(look.embedding, look.heads)
    answers["identity"] = {"id": match.person or UNKNOWN, "score": round(match.score, 2)}
    for head in ("age", "ethnicity"):
        if head in look.heads:
            best = int(np.argmax(look.heads[head]))
            label = vision.network.sidecar.heads.labels(head)[best]
            answers[head] = {"group": label, "score": round(float(look.heads[head][best]), 2)}
    if embedding:
        answers["embedding"] = [round(float(number), 6) for number in look.embedding]
    return answers


def _images(path: Path, decoder: ImageDecoder) -> Iterator[tuple[Path, int | None, Image]]:
    """Yield file, frame number and image of every picture and every video frame under a path.

    Raises:
        _UnreadableError: after all others, for what cannot be read.
    """
    reasons = []
    try:
        found = find_files(path, PICTURES_AND_CLIPS, nested=True)
    except CameraError as error:
        raise _UnreadableError([str(error)]) from error
    others = found.not_used()
    if not found.files:
        raise _UnreadableError([f"{path}: no picture found" + (f" ({others})" if others else "")])
    if others and found.unreadable:
        reasons.append(f"{path}: {others}")
    elif others:
        print_error(f"{path}: {others}")
    for file, kind in found.files:
        try:
            if kind is FileKind.CLIP:
                for number, image in enumerate(decoder.frames(file)):
                    yield file, number, image
            else:
                yield file, None, decoder.decode(file)
        except CameraError as error:
            reasons.append(str(error))
    if reasons:
        raise _UnreadableError(reasons)


def _line(source: dict[str, Any], faces: dict[str, Any]) -> str:
    name = source["path"] + (f" frame {source['frame']}" if "frame" in source else "")
    if not faces["faces"]:
        return f"{name}: no face"
    return f"{name}: " + "; ".join(_face(face) for face in faces["faces"])


def _face(face: dict[str, Any]) -> str:
    parts = [
        f"{face[head].get('id', face[head].get('group'))} {face[head]['score']:.2f}" for head in _HEADS if head in face
    ]
    if not face["usable"]:
        parts.append(f"unusable ({', '.join(face['flaws'])})")
    return ", ".join(parts)
