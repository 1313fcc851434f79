"""`facenode people export | import`: the people of one node -> one file -> the people of a fleet."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from node.assembly import build_embed, build_gallery, build_sidecar, build_vision
from node.domain import Image
from node.errors import PeopleError
from node.people import bundle
from node.people import crop as crops
from node.people.gallery import Change
from node.people.person import Anchor, Person, counted
from node.people.reembedding import Reembedded, log_results, reembed
from node.people.store import Entry
from node.settings import Settings
from node.vision.sidecar import Sidecar


def add_verbs(verbs: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `export` and `import`."""
    out = verbs.add_parser("export", parents=[common], help="write everybody to one file, for other nodes")
    out.add_argument("file", type=Path, metavar="FILE", help="where to; it is replaced if it is there")
    out.set_defaults(main=export_people)
    into = verbs.add_parser("import", parents=[common], help="add everybody of such a file")
    into.add_argument("file", type=Path, metavar="FILE", help="what `export` has written")
    into.set_defaults(main=import_people)


def export_people(args: argparse.Namespace, settings: Settings) -> int:
    """Write everybody to one file."""
    people = build_gallery(settings).load()
    if not people:
        raise PeopleError("nobody is enrolled: there is nothing to export")
    bundle.write(args.file, people)
    faces = counted(sum(len(person.anchors) for person in people), "face")
    print(f"{args.file}: {_people(len(people))}, {faces}; it holds what recognises them: keep it private")
    return 0


def import_people(args: argparse.Namespace, settings: Settings) -> int:
    """Add everybody of a file, all of them or none, and say what is new."""
    sidecar = build_sidecar(settings)
    head = sidecar.heads.embedding
    entries = _current(bundle.read(args.file, {head.space: head.length}), settings, sidecar)
    if not settings.people.keep_crops:
        entries = [Entry(_without_crops(entry.person)) for entry in entries]
    changes = build_gallery(settings, sidecar).merge(entries)
    for change in changes:
        if change.happened:
            print(f"{change.after.id}: {', '.join(_news(change))}")
    fresh = sum(change.before is None for change in changes)
    changed = sum(change.happened for change in changes) - fresh
    print(f"{args.file}: {_people(len(changes))}, {fresh} new, {changed} changed")
    return 0


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number} people"


def _current(entries: Sequence[Entry], settings: Settings, sidecar: Sidecar) -> Sequence[Entry]:
    """Return people with their faces embedded by this node's network, which is loaded only if that is needed."""
    space = sidecar.heads.embedding.space
    everything = [anchor for entry in entries for anchor in (*entry.person.anchors, *entry.person.negatives)]
    if all(anchor.space == space for anchor in everything):
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


def _news(change: Change) -> list[str]:
    before, after = change.before, change.after
    faces = counted(change.faces, "face")
    if before is None:
        return ["new", faces, *(["ignored"] if after.ignored else [])]
    news = [f"{faces} more"] if change.faces > 0 else []
    if before.name != after.name:
        news.append(f"now called {after.name}")
    if before.ignored != after.ignored:
        news.append("now ignored" if after.ignored else "no longer ignored")
    return news or ["corrected"]
