"""`facenode people list`: the gallery -> one line for each person."""

import argparse
from typing import Any

from node.assembly import build_gallery
from node.people.gallery import describe
from node.settings import Settings
from node.system.privileges import become_owner
from node.system.terminal import print_json, print_line


def add_verb(verbs: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `list`."""
    parser = verbs.add_parser("list", parents=[common], help="list everybody who is enrolled")
    parser.add_argument("--json", action="store_true", help="print one JSON line for each person")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Print everybody who is enrolled."""
    become_owner(settings.storage.dir)
    people = build_gallery(settings).load()
    if args.json:
        for person in people:
            fields = {
                "id": person.id,
                "name": person.name,
                "faces": len(person.anchors),
                "ignored": person.ignored,
                "rejected": len(person.negatives),
            }
            print_json(fields)
    elif not people:
        print_line("nobody is enrolled: run facenode people add ID PHOTO...")
    else:
        width = max(len(person.id) for person in people)
        for person in people:
            print_line(
                f"{person.id:<{width}}  {person.name}, {describe(person)}{', ignored' if person.ignored else ''}"
            )
    return 0
