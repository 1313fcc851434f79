"""`facenode people photos | rename | merge`: what is wrong about a person -> the gallery as it should be."""

import argparse
from typing import Any

from node.assembly import build_gallery, build_naming, build_scoring, build_sidecar
from node.commands.people.undo import print_obstacle
from node.domain import counted
from node.people.corrections import Corrections
from node.people.gallery import describe
from node.people.photos import Photo
from node.requests.corrections import photo_fields
from node.settings import Settings
from node.system.privileges import become_owner
from node.system.terminal import print_json, print_line


def add_verbs(verbs: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `photos`, `rename` and `merge`."""
    photos = verbs.add_parser("photos", parents=[common], help="list the photos of a person, remove or move one")
    photos.add_argument("id", metavar="ID", help="whose photos")
    action = photos.add_mutually_exclusive_group()
    action.add_argument("--remove", metavar="PHOTO", help="remove this photo: its id, or the first digits of it")
    action.add_argument("--move", nargs=2, metavar=("PHOTO", "TO"), help="move this photo to another person")
    action.add_argument("--json", action="store_true", help="print one JSON line for each photo")
    photos.set_defaults(main=correct_photos)
    rename = verbs.add_parser("rename", parents=[common], help="change the display name of a person")
    rename.add_argument("id", metavar="ID", help="whose name")
    rename.add_argument("name", metavar="NAME", help="the new display name; the id stays")
    rename.set_defaults(main=rename_person)
    merge = verbs.add_parser("merge", parents=[common], help="merge two people who are one")
    merge.add_argument("id", metavar="ID", help="the person who was enrolled a second time; this id becomes free")
    merge.add_argument("into", metavar="INTO", help="the person who stays, and gets all photos")
    merge.set_defaults(main=merge_people)


def correct_photos(args: argparse.Namespace, settings: Settings) -> int:
    """List the photos of a person, or remove or move one."""
    become_owner(settings.storage.dir)
    if args.remove is None and args.move is None:
        _list_photos(args, settings)
        return 0
    corrections = Corrections(build_gallery(settings))
    if args.remove is not None:
        person = corrections.remove_photo(args.id, args.remove)
        print_line(f"{person.id}: removed the photo, {describe(person)} known")
    else:
        photo, to = args.move
        person, other = corrections.move_photo(args.id, photo, to)
        print_line(f"{person.id}: moved the photo to {other.id}, {describe(person)} known")
        print_line(f"{other.id}: {describe(other)} known")
    return 0


def _list_photos(args: argparse.Namespace, settings: Settings) -> None:
    """Print the photos of a person."""
    scoring = build_scoring(settings, build_sidecar(settings))
    for photo in Corrections(build_gallery(settings, scoring), build_naming(settings, scoring)).photos(args.id):
        if args.json:
            print_json(photo_fields(photo))
        else:
            print_line(_line(photo))


def rename_person(args: argparse.Namespace, settings: Settings) -> int:
    """Change the display name of a person."""
    become_owner(settings.storage.dir)
    person = Corrections(build_gallery(settings)).rename(args.id, args.name)
    print_line(f"{person.id}: now called {person.name}")
    return 0


def merge_people(args: argparse.Namespace, settings: Settings) -> int:
    """Merge a person into another."""
    become_owner(settings.storage.dir)
    gallery = build_gallery(settings)
    person = Corrections(gallery).merge(args.id, args.into)
    print_line(f"{person.id}: {args.id} is merged into {person.id}, {counted(len(person.anchors), 'face')} known")
    print_obstacle(gallery.changes)
    return 0


def _line(photo: Photo) -> str:
    added = f"{photo.added:%Y-%m-%d %H:%MZ}" if photo.added else "unknown date"
    agreement = "the only one to compare" if photo.agreement is None else f"{photo.agreement:+.2f} with the others"
    return f"{photo.id}  {added:17}  {agreement}  {photo.source}{', rejected' if photo.rejected else ''}"
