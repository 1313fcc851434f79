"""`facenode people add | ignore | reject`: photos, or the face of an event -> anchors of a person."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from node.assembly import (
    build_embed,
    build_enrollee,
    build_gallery,
    build_photo_detector,
    build_scoring,
    build_sidecar,
    build_vision,
)
from node.camera.decoder_process import DecoderProcess
from node.camera.folder import find_files
from node.camera.image_file import open_image
from node.domain import counted
from node.errors import CameraError, PeopleError, UsageError
from node.people.advice import need, sentence
from node.people.enrolment import Refusal, examine
from node.people.gallery import Sample
from node.people.person import Person, checked_id, checked_name
from node.people.scoring import Scoring
from node.requests.local_client import call
from node.settings import Settings
from node.system.caller_files import OpenedFile, allow_open_files
from node.system.privileges import become_owner
from node.system.terminal import print_error, print_line

_MAX_REASONS = 100
"""Most photos of which the reason is printed why they are not used."""


def add_add_verb(verbs: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `add`."""
    parser = verbs.add_parser("add", parents=[common], help="enroll a person, or add faces to a person")
    _add_face_arguments(parser)
    parser.set_defaults(main=add_person)


def add_ignore_verb(verbs: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `ignore`."""
    parser = verbs.add_parser("ignore", parents=[common], help="recognize someone but publish no events about them")
    _add_face_arguments(parser)
    parser.add_argument("--off", action="store_true", help="publish events about this person again")
    parser.set_defaults(main=ignore_person)


def add_reject_verb(verbs: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `reject`."""
    parser = verbs.add_parser("reject", parents=[common], help="report that an event named the wrong person")
    parser.add_argument("id", metavar="ID", help="the person that the event named")
    parser.add_argument("--event", required=True, metavar="EVENT_ID", help="the event, of a running node")
    parser.set_defaults(main=reject_face)


def add_person(args: argparse.Namespace, settings: Settings) -> int:
    """Enroll a person; print the reason for each photo that cannot be used, and use the others."""
    _check_arguments(args)
    if not (args.event or args.photos):
        raise UsageError(f"people add {args.id}: name photos, or an event with --event")
    photos = _open_photos(args.photos)
    become_owner(settings.storage.dir)
    if args.event:
        faces = _request(settings, "people_enroll", args)["faces"]
        print_line(f"{args.id}: added the face of the event, {counted(faces, 'face')} known")
        _print_advice_of(args.id, settings)
    else:
        _enrol_photos(args, settings, photos, ignored=None)
    return 0


def ignore_person(args: argparse.Namespace, settings: Settings) -> int:
    """Mark a person as ignored, after enrolling them if photos or an event are given; `--off` removes the mark."""
    _check_arguments(args)
    if args.off and (args.photos or args.event or args.name is not None):
        raise UsageError("people ignore --off: give an id only")
    if args.name is not None and not (args.photos or args.event):
        raise UsageError("people ignore --name: name photos, or an event with --event")
    photos = _open_photos(args.photos)
    become_owner(settings.storage.dir)
    if args.event:
        _request(settings, "people_ignore", args)
    elif args.photos:
        _enrol_photos(args, settings, photos, ignored=True)
    else:
        build_gallery(settings).ignore(args.id, on=not args.off)
    print_line(f"{args.id}: {'no longer ignored' if args.off else 'ignored: recognized and counted, but no events'}")
    return 0


def reject_face(args: argparse.Namespace, settings: Settings) -> int:
    """Keep the face of an event as one that is not this person's."""
    checked_id(args.id)
    become_owner(settings.storage.dir)
    _request(settings, "people_reject", args)
    print_line(f"{args.id}: kept the face of the event as somebody else's")
    return 0


def _add_face_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the id and the name of a person, and where a face of this person comes from."""
    parser.add_argument("id", metavar="ID", help="short name in topics and payloads: a-z, 0-9, _ and -")
    parser.add_argument("photos", nargs="*", type=Path, metavar="PHOTO", help="a photo, or a folder of photos")
    parser.add_argument("--event", metavar="EVENT_ID", help="use the face of an event of the running node, not photos")
    parser.add_argument("--force", action="store_true", help="use faces even if they look like another enrolled person")
    parser.add_argument("--name", help="display name; default: the id")


def _check_arguments(args: argparse.Namespace) -> None:
    """Refuse what cannot be, before a network is loaded."""
    checked_id(args.id)
    if args.name is not None:
        checked_name(args.name)
    if args.event and args.photos:
        raise UsageError("name photos or --event, not both")
    if args.force and not (args.photos or args.event):
        raise UsageError("--force can be used with photos or an event only")


def _request(settings: Settings, verb: str, args: argparse.Namespace) -> Any:  # noqa: ANN401 - what the node answers
    """Send a request to the running node, which alone remembers the faces of its events."""
    name, force = getattr(args, "name", None), getattr(args, "force", False)
    given = ({} if name is None else {"name": name}) | ({"force": True} if force else {})
    return call(settings.storage.dir, verb, id=args.id, event=args.event, **given)


def _enrol_photos(
    args: argparse.Namespace, settings: Settings, photos: Sequence[OpenedFile | Refusal], *, ignored: bool | None
) -> None:
    """Enroll a person from photos, and print the reason for each photo that is not used."""
    with DecoderProcess() as decoder:  # it starts while the network is loaded
        vision = build_vision(settings, ())
        detector = build_photo_detector(settings, vision)
        sidecar = vision.network.sidecar
        scoring = build_scoring(settings, sidecar)
        gallery = build_gallery(settings, scoring)
        gallery.reembed(sidecar.heads.embedding.space, build_embed(vision.network))
        enrollee = build_enrollee(settings, scoring, gallery)(args.id, args.force)
        results = [
            photo
            if isinstance(photo, Refusal)
            else examine(
                photo,
                detector,
                vision.recognizer,
                decoder=decoder,
                keep_crop=settings.people.keep_crops,
                enrollee=enrollee,
            )
            for photo in photos
        ]
    for result in results:
        if not isinstance(result, Refusal) and result.turn:
            print_line(f"{result.source}: turned by {result.turn} degrees clockwise: no face in it is upright")
    refused = [result for result in results if isinstance(result, Refusal)]
    for refusal in refused[:_MAX_REASONS]:
        print_error(f"{refusal.photo}: not used: {refusal.reason}")
    if len(refused) > _MAX_REASONS:
        print_error(
            f"{counted(len(refused) - _MAX_REASONS, 'more photo')} not used: name them one by one for the reasons"
        )
    samples = [result for result in results if isinstance(result, Sample)]
    if not samples:
        what = "the photo cannot be used" if len(results) == 1 else f"none of the {len(results)} photos can be used"
        raise PeopleError(f"{args.id}: {what}: nobody was enrolled")
    person = gallery.add(args.id, args.name, sidecar.heads.embedding.space, samples, ignored=ignored)
    used = f"{len(samples)} of {counted(len(results), 'photo')}"
    print_line(f"{person.id}: {used} used, {counted(len(person.anchors), 'face')} known")
    _print_advice(person, scoring, enrollee.matcher.threshold)


def _print_advice_of(person: str, settings: Settings) -> None:
    """Print how many more photos of somebody in the gallery would help, if any and if the gallery decides."""
    if settings.people.source == "head":
        return
    scoring = build_scoring(settings, build_sidecar(settings))
    people = build_gallery(settings, scoring).load()
    threshold = scoring.matcher(people, settings.people.max_fpir).threshold
    for known in people:
        if known.id == person:
            _print_advice(known, scoring, threshold)


def _print_advice(person: Person, scoring: Scoring, threshold: float) -> None:
    """Print how many more photos of a person would help, if any."""
    line = sentence(need(person, scoring.head.space, threshold, scoring.cohort))
    if line is not None:
        print_line(line)


def _open_photos(paths: list[Path]) -> list[OpenedFile | Refusal]:
    """Open the photos that the caller names, since the owner of the storage folder may not be able to."""
    photos = []
    for path in paths:
        found = find_files(path)
        photos += [photo for photo, _ in found.files]
        if others := found.not_used():
            print_error(f"{path}: {others}")
    if paths and not photos:
        raise PeopleError(f"{', '.join(map(str, paths))}: no photo found: name JPEG or PNG files, or a folder of them")
    allow_open_files(len(photos))
    return [_open_photo(photo) for photo in photos]


def _open_photo(photo: Path) -> OpenedFile | Refusal:
    try:
        return open_image(photo)
    except CameraError as error:
        return Refusal(str(photo), str(error))
