"""`facenode people test`: the people enrolled -> how well they are told apart, and what would help."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from node.assembly import (
    build_gallery,
    build_photo_detector,
    build_scoring,
    build_sidecar,
    build_vision,
)
from node.camera.decoder_process import DecoderProcess
from node.camera.folder import find_files
from node.camera.image_file import open_image
from node.domain import Frame, Image, counted
from node.errors import CameraError, PeopleError
from node.people.advice import Need, advise, need
from node.people.matcher import GalleryMatcher, Score
from node.people.selftest import PersonResult, Report, Stranger, examine
from node.settings import Settings
from node.system.caller_files import OpenedFile, allow_open_files
from node.system.privileges import become_owner
from node.system.terminal import print_error, print_json, print_line
from node.system.text import valid
from node.vision.photo_detector import PhotoDetector
from node.vision.recognizer import Recognizer

_SHOWN = 5


def add_verb(verbs: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `test`."""
    test = verbs.add_parser("test", parents=[common], help="test how well the enrolled people are told apart")
    test.add_argument(
        "--strangers", type=Path, metavar="FOLDER", help="also test with photos of people who are not enrolled"
    )
    test.add_argument("--json", action="store_true", help="print one JSON object")
    test.set_defaults(main=main)


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Print how well everybody is told apart; return 0 if nothing needs attention, else 1."""
    if settings.people.source == "head":
        raise PeopleError("people.source = 'head': the network's own closed set decides, so there is nothing to test")
    photos = None if args.strangers is None else _open_strangers(args.strangers)
    become_owner(settings.storage.dir)
    sidecar = build_sidecar(settings)
    scoring = build_scoring(settings, sidecar)
    people = build_gallery(settings, scoring).load()
    if not people:
        raise PeopleError("nobody is enrolled: run facenode people add ID PHOTO...")
    matcher = scoring.matcher(people, settings.people.max_fpir)
    space, threshold, cohort = scoring.head.space, matcher.threshold, scoring.cohort
    report = examine(people, space, threshold, cohort)
    needs = [need(person, space, threshold, cohort) for person in people]
    strangers: list[Stranger] | None = None
    if photos is not None:
        strangers = sorted(_strangers(photos, settings, matcher), key=lambda stranger: -stranger.margin)
    advice = advise(report, needs, strangers or ())
    if args.json:
        print_json(_fields(report, needs, strangers, advice))
    else:
        for line in (*_table(report), "", *_alike(report), *_nearest(strangers), "", *_advice(advice)):
            print_line(line)
    return 1 if advice else 0


def _open_strangers(folder: Path) -> list[tuple[str, OpenedFile]]:
    """Return the photos in a folder by their names in it, opened with the rights of the caller.

    Raises:
        PeopleError: the folder does not exist, or holds no photo.
    """
    found = find_files(folder, nested=True)
    photos = [photo for photo, _ in found.files]
    if others := found.not_used():
        print_error(f"{folder}: {others}")
    if photos in ([], [folder]):
        raise PeopleError(
            f"{folder}: not a folder with photos: name one with JPEG or PNG files of people who are not enrolled"
        )
    allow_open_files(len(photos))
    opened = []
    for photo in photos:
        try:
            opened.append((valid(str(photo.relative_to(folder))), open_image(photo)))
        except CameraError as error:
            print_error(error)
    return opened


def _strangers(
    photos: Sequence[tuple[str, OpenedFile]], settings: Settings, matcher: GalleryMatcher
) -> Iterator[Stranger]:
    """Yield every usable face in photos, scored as the node would score it."""
    with DecoderProcess() as decoder:
        vision = build_vision(settings, ())
        detector = build_photo_detector(settings, vision)
        for name, photo in photos:
            try:
                image = decoder.decode(photo)
            except CameraError as error:
                print_error(error)
            else:
                yield from _faces(image, name, detector, vision.recognizer, matcher)


def _faces(
    image: Image, name: str, detector: PhotoDetector, recognizer: Recognizer, matcher: GalleryMatcher
) -> Iterator[Stranger]:
    for face in detector.detect(Frame(image)):
        look = recognizer.look(image, face)
        if look.embedding is not None:
            scores = matcher.scores(look.embedding)
            nearest = max(scores, key=lambda person: scores[person].margin, default=None)
            yield Stranger(name, nearest, None if nearest is None else scores[nearest])


def _table(report: Report) -> Iterator[str]:
    width = max(len("who"), *(len(row.person) for row in report.people))
    yield f"{'who':<{width}}  faces  recognized  least  most like"
    for row in report.people:
        least = "-" if row.lowest_score is None else f"{row.lowest_score.margin:+.2f}"
        like = report.most_similar(row.person)
        other = f"{like[0]} {like[1].margin:+.2f}" if like else "-"
        of = f"{row.recognized} of {len(row.anchors)}" if len(row.anchors) > 1 else "-"
        yield f"{row.person:<{width}}  {len(row.anchors):>5}  {of:>10}  {least:>5}  {other}"


def _alike(report: Report) -> Iterator[str]:
    people = counted(len(report.people), "person", "people")
    yield f"The figures are margins over what a name needs with {people} enrolled: from 0 on, a face gets the name."
    if report.similarities:
        most = report.similarities[0]
        yield f"The two most alike people are {most.people[0]} and {most.people[1]}: {most.score.margin:+.2f}."


def _nearest(strangers: list[Stranger] | None) -> Iterator[str]:
    if strangers is None:
        return
    named = sum(stranger.named for stranger in strangers)
    faces = counted(len(strangers), "face of a stranger", "faces of strangers")
    yield f"Of {faces}, {named or 'none'} would be given a name; the nearest:"
    for stranger in strangers[:_SHOWN]:
        yield f"  {stranger.margin:+.2f}  {stranger.person or '-'}  {stranger.photo}"


def _advice(advice: tuple[str, ...]) -> Iterator[str]:
    if not advice:
        yield "Everything is in order."
        return
    yield "What would help:"
    for sentence in advice:
        yield f"- {sentence}"


def _fields(
    report: Report, needs: Sequence[Need], strangers: list[Stranger] | None, advice: tuple[str, ...]
) -> dict[str, Any]:
    """Return what `--json` prints. A score is a cosine, as in events; a margin is what decides."""
    fields: dict[str, Any] = {
        "ok": not advice,
        "threshold": round(report.threshold, 3),
        "people": [_row(report, row, each) for row, each in zip(report.people, needs, strict=True)],
        "advice": list(advice),
    }
    if strangers is not None:
        nearest = [
            {"photo": stranger.photo, "id": stranger.person, **_score(stranger.score), "named": stranger.named}
            for stranger in strangers[:_SHOWN]
        ]
        fields["strangers"] = {
            "faces": len(strangers),
            "named": sum(stranger.named for stranger in strangers),
            "nearest": nearest,
        }
    return fields


def _row(report: Report, row: PersonResult, found: Need) -> dict[str, Any]:
    like, least = report.most_similar(row.person), row.lowest_score
    return {
        "id": row.person,
        "faces": len(row.anchors),
        "views": found.views,
        "more": found.more,
        "recognised": row.recognized,
        "least": None if least is None else round(least.cosine, 2),
        "least_margin": None if least is None else round(least.margin, 2),
        "most_like": {"id": like[0], **_score(like[1])} if like else None,
        "dormant": row.incomparable,
    }


def _score(score: Score | None) -> dict[str, float]:
    """Return a score as fields; without candidates a cosine of 0, and no margin."""
    if score is None:
        return {"score": 0.0}
    return {"score": round(score.cosine, 2), "margin": round(score.margin, 2)}
