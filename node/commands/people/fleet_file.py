"""`facenode people export | import`: people of one node -> one file -> people of another node, or of a fleet."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from node.assembly import build_embed, build_gallery, build_sidecar, build_vision
from node.commands.people.undo import print_obstacle
from node.domain import Image, counted
from node.errors import PeopleError
from node.people import bundle
from node.people import crop as crops
from node.people.entry import Entry
from node.people.gallery import Change
from node.people.person import Anchor, Person
from node.people.reembedding import Reembedded, log_results, reembed
from node.people.scoring import Scoring
from node.settings import Settings
from node.system.caller_files import OpenedFile, write_for_caller
from node.system.privileges import become_owner
from node.system.terminal import print_line
from node.vision.sidecar import Sidecar


def add_verbs(verbs: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `export` and `import`."""
    export = verbs.add_parser("export", parents=[common], help="write everybody to one file, for other nodes")
    export.add_argument("file", type=Path, metavar="FILE", help="file to write; an existing one is replaced")
    export.set_defaults(main=export_people)
    import_ = verbs.add_parser("import", parents=[common], help="add everybody from a file that `export` wrote")
    import_.add_argument("file", type=Path, metavar="FILE", help="file that `export` wrote")
    import_.add_argument(
        "--replace", action="store_true", help="know exactly the people of the file afterwards, and nobody else"
    )
    import_.set_defaults(main=import_people)


def export_people(args: argparse.Namespace, settings: Settings) -> int:
    """Write everybody to one file."""
    with bundle.writing(args.file), write_for_caller(args.file) as file:
        become_owner(settings.storage.dir)
        people = build_gallery(settings).load()
        if not people:
            raise PeopleError("nobody is enrolled: there is nothing to export")
        bundle.write_to(file, people)
    faces = counted(sum(len(person.anchors) for person in people), "face")
    print_line(
        f"{args.file}: {counted(len(people), 'person', 'people')}, {faces}; keep it private: it can recognize them"
    )
    return 0


def import_people(args: argparse.Namespace, settings: Settings) -> int:
    """Add everybody from a file, or replace everybody by them, all or nothing, and print what is new."""
    file = bundle.open_bundle(args.file)
    become_owner(settings.storage.dir)
    changes, gone = take_over(file, settings, replace=args.replace)
    for change in changes:
        if change.happened:
            print_line(f"{change.after.id}: {', '.join(_words(change))}")
    for person in gone:
        print_line(f"{person}: no longer known")
    new = sum(change.before is None for change in changes)
    changed = sum(change.happened for change in changes) - new
    left = f", {len(gone)} no longer known" if args.replace else ""
    print_line(f"{args.file}: {counted(len(changes), 'person', 'people')}, {new} new, {changed} changed{left}")
    if changed or new or gone:
        print_obstacle(build_gallery(settings).changes)
    return 0


def take_over(file: OpenedFile, settings: Settings, *, replace: bool) -> tuple[Sequence[Change], Sequence[str]]:
    """Take over the people of a file, all or nothing. Return what changed, and who is no longer known.

    Args:
        file: which this closes.
        settings: all of them.
        replace: whether nobody else is known afterwards.

    Raises:
        PeopleError: the file cannot be read, or the gallery cannot be written.
    """
    sidecar = build_sidecar(settings)
    head = sidecar.heads.embedding
    with bundle.opened(file, {head.space: head.length}) as theirs:
        entries = _current(theirs, settings, sidecar)
        if not settings.people.keep_crops:
            entries = [Entry(_without_crops(entry.person)) for entry in entries]
        if replace and not entries:
            raise PeopleError(f"{file}: there is nobody in it to replace everybody by: nothing was changed")
        gallery = build_gallery(settings, Scoring.of(sidecar, None))
        return gallery.replace_everybody(entries) if replace else (gallery.merge(entries), ())


def _current(entries: Sequence[Entry], settings: Settings, sidecar: Sidecar) -> Sequence[Entry]:
    """Return people with embeddings of this node's network, which is loaded only if it is needed."""
    space = sidecar.heads.embedding.space
    anchors = [anchor for entry in entries for anchor in (*entry.person.anchors, *entry.person.negatives)]
    if all(anchor.space == space for anchor in anchors):
        return entries
    embed = build_embed(build_vision(settings, ()).network)

    def renew(entry: Entry) -> Reembedded:
        return reembed(entry.person, space, lambda anchor: _crop(entry, anchor), embed)

    results = [renew(entry) for entry in entries]
    log_results(results)
    return [Entry(result.person, entry.crops) for result, entry in zip(results, entries, strict=True)]


def _crop(entry: Entry, anchor: Anchor) -> Image | None:
    return crops.decode(anchor.crop.name, entry.crops[anchor.crop.name]) if anchor.crop else None


def _without_crops(person: Person) -> Person:
    anchors, negatives = (
        tuple(replace(anchor, crop=None) for anchor in own) for own in (person.anchors, person.negatives)
    )
    return replace(person, anchors=anchors, negatives=negatives)


def _words(change: Change) -> list[str]:
    """Return in words what an import changed about a person."""
    before, after = change.before, change.after
    faces = counted(abs(change.faces), "face")
    if before is None:
        return ["new", faces, *(["ignored"] if after.ignored else [])]
    words = [f"{faces} {'more' if change.faces > 0 else 'fewer'}"] if change.faces else []
    if before.name != after.name:
        words.append(f"now called {after.name}")
    if before.ignored != after.ignored:
        words.append("now ignored" if after.ignored else "no longer ignored")
    return words or ["corrected"]
