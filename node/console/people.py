"""`facenode people`: photos -> somebody who is known; who is known; nobody any more."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from node.camera.picture import PICTURES
from node.errors import PeopleError
from node.parts import build_eyes, build_gallery
from node.people.enrolment import Refusal, examine
from node.people.gallery import Sample
from node.people.person import checked_id
from node.settings import Settings


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `people` and its verbs to the command line."""
    parser = subparsers.add_parser("people")
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    add = verbs.add_parser("add", parents=[common], help="enrol somebody from photos, or add photos to somebody")
    add.add_argument("id", metavar="ID", help="short name in topics and payloads: a-z, 0-9, _ and -")
    add.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="a photo, or a folder of photos")
    add.add_argument("--name", help="the name that people read; the id unless given")
    add.set_defaults(main=add_person)
    everybody = verbs.add_parser("list", parents=[common], help="show who is known")
    everybody.add_argument("--json", action="store_true", help="as JSON, one line a person")
    everybody.set_defaults(main=list_people)
    remove = verbs.add_parser("remove", parents=[common], help="erase somebody")
    remove.add_argument("id", metavar="ID")
    remove.set_defaults(main=remove_person)


def add_person(args: argparse.Namespace, settings: Settings) -> int:
    """Enrol somebody; a photo that cannot be taken is said with its reason, and the others still count."""
    checked_id(args.id)
    eyes = build_eyes(settings, ())
    results = [
        examine(photo, eyes.detector, eyes.recognizer, keep_crop=settings.people.keep_crops)
        for photo in _photos(args.photos)
    ]
    for result in results:
        if isinstance(result, Refusal):
            sys.stderr.write(f"facenode: {result.photo}: not taken: {result.reason}\n")
    samples = [result for result in results if isinstance(result, Sample)]
    if not samples:
        raise PeopleError(f"{args.id}: none of {len(results)} photos could be taken: nobody was enrolled")
    person = build_gallery(settings).add(args.id, args.name, eyes.network.sidecar.heads.embedding.space, samples)
    print(f"{person.id}: {len(samples)} of {len(results)} photos taken, {len(person.anchors)} faces known")
    return 0


def list_people(args: argparse.Namespace, settings: Settings) -> int:
    """Print who is known."""
    people = build_gallery(settings).load()
    if args.json:
        for person in people:
            fields = {"id": person.id, "name": person.name, "faces": len(person.anchors), "ignored": person.ignored}
            print(json.dumps(fields, ensure_ascii=False))
    elif not people:
        print("nobody is enrolled: facenode people add ID PHOTO...")
    else:
        width = max(len(person.id) for person in people)
        for person in people:
            state = ", ignored" if person.ignored else ""
            print(f"{person.id:<{width}}  {person.name}, {len(person.anchors)} faces{state}")
    return 0


def remove_person(args: argparse.Namespace, settings: Settings) -> int:
    """Erase somebody from the gallery."""
    build_gallery(settings).remove(args.id)
    print(f"{args.id}: removed")
    return 0


def _photos(paths: list[Path]) -> list[Path]:
    photos: list[Path] = []
    for path in paths:
        if path.is_dir():
            photos += sorted(file for file in path.iterdir() if file.suffix.lower() in PICTURES)
        else:
            photos.append(path)
    if not photos:
        raise PeopleError(f"{', '.join(map(str, paths))}: no photo in there: JPEG or PNG is wanted")
    return photos
