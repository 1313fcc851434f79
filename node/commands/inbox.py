"""`facenode inbox`: the faces of recent visits -> a list, and what the owner decides about them."""

import argparse
import base64
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from node.assembly import build_offline_requests
from node.domain import counted
from node.errors import PeopleError, UsageError
from node.requests.local_client import call, running
from node.review.actions import Kind
from node.settings import Settings
from node.system.caller_files import write_for_caller
from node.system.privileges import become_owner
from node.system.terminal import print_json, print_line

_TITLES = {
    "stranger_again": "Strangers seen several times",
    "uncertain": "Uncertain names",
    "other": "The rest",
    "unusable": "No usable look",
}
_WORDS = tuple(str(kind) for kind in Kind if kind is not Kind.PERSON)


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `inbox` and its verbs to the command line."""
    parser = subparsers.add_parser("inbox")
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    listing = verbs.add_parser("list", parents=[common], help="list the faces of recent visits; the default")
    listing.add_argument("--json", action="store_true", help="print one JSON line for each group of faces")
    listing.set_defaults(main=list_entries)
    assign = verbs.add_parser("assign", parents=[common], help="say who was seen")
    assign.add_argument("entry", metavar="ENTRY", help="id of an entry")
    assign.add_argument(
        "who",
        metavar="WHO",
        help=f"id of an enrolled person, or {', '.join(_WORDS)}: a new person, someone to ignore, not the person that "
        "was named, nobody of interest",
    )
    assign.add_argument("name", nargs="?", metavar="NAME", help="display name of a new person")
    assign.add_argument("--id", metavar="ID", help="id of a new person; by default it is made from the name")
    assign.add_argument("--alike", action="store_true", help="decide about all entries of the group")
    assign.add_argument(
        "--force", action="store_true", help="use faces that look like another enrolled person, or failed a gate"
    )
    assign.set_defaults(main=assign_entry)
    show = verbs.add_parser("show", parents=[common], help="write the picture of an entry to a file")
    show.add_argument("entry", metavar="ENTRY", help="id of an entry")
    show.add_argument(
        "file", type=Path, metavar="FILE", help="file to write: the JPEG if there is one, else the face as PNG"
    )
    show.set_defaults(main=show_entry)
    clear = verbs.add_parser("clear", parents=[common], help="erase the inbox, in memory and on disk")
    clear.set_defaults(main=clear_inbox)


def list_entries(args: argparse.Namespace, settings: Settings) -> int:
    """Print the entries in groups, the most useful first."""
    become_owner(settings.storage.dir)
    groups = _ask(settings, "inbox_list")["groups"]
    if args.json:
        for group in groups:
            print_json(group)
    elif not groups:
        print_line("the inbox is empty: nobody was seen, or everything is decided")
    else:
        for line in _table(groups):
            print_line(line)
    return 0


def assign_entry(args: argparse.Namespace, settings: Settings) -> int:
    """Carry out what the owner decided about an entry."""
    kind = Kind(args.who) if args.who in _WORDS else Kind.PERSON
    if kind is Kind.NEW and args.name is None:
        raise UsageError("inbox assign ENTRY new: give the name of the new person")
    if kind not in (Kind.NEW, Kind.IGNORE) and (args.name is not None or args.id is not None):
        raise UsageError(f"inbox assign ENTRY {args.who}: a name and --id are for a new person")
    person = args.who if kind is Kind.PERSON else args.id
    given = {"id": person, "name": args.name, "alike": args.alike or None, "force": args.force or None}
    become_owner(settings.storage.dir)
    fields = {key: value for key, value in given.items() if value is not None}
    answer = _ask(settings, "inbox_assign", entries=[args.entry], **{"as": str(kind)}, **fields)
    print_line(f"{args.entry}: {answer['what']}")
    return 0


def show_entry(args: argparse.Namespace, settings: Settings) -> int:
    """Write the picture of an entry to a file."""
    try:
        with write_for_caller(args.file) as file:
            become_owner(settings.storage.dir)
            answer = _ask(settings, "inbox_show", entry=args.entry)
            content = answer["jpeg"] or answer["png"]
            if content is None:
                raise PeopleError(f"{args.entry}: there is no picture of this visit: no look was usable")
            file.write(base64.b64decode(content))
    except OSError as error:
        raise PeopleError(
            f"{args.file}: cannot be written ({error.strerror}): name a file in a writable folder"
        ) from error
    print_line(f"{args.file}: {'picture' if answer['jpeg'] else 'face'} of {args.entry}; keep it private")
    return 0


def clear_inbox(args: argparse.Namespace, settings: Settings) -> int:
    """Erase the inbox."""
    del args
    become_owner(settings.storage.dir)
    if running(settings.storage.dir) or settings.review.keep_days:
        _ask(settings, "inbox_clear")
    else:
        build_offline_requests(settings).ask("inbox_clear", {})
    print_line("the inbox is empty")
    return 0


def _ask(settings: Settings, verb: str, **fields: object) -> Any:  # noqa: ANN401 - what the node answers
    """Ask the running node, or answer from what is on the disk.

    Raises:
        PeopleError: the request cannot be carried out, or there is neither a node nor anything on the disk.
    """
    if running(settings.storage.dir):
        return call(settings.storage.dir, verb, **fields)
    if not settings.review.keep_days:
        raise PeopleError(
            f"no node runs in {settings.storage.dir}: start it, or set review.keep_days to keep the inbox on disk"
        )
    return build_offline_requests(settings).ask(verb, fields)


def _table(groups: list[Mapping[str, Any]]) -> Iterator[str]:
    use = None
    for group in groups:
        if group["use"] != use:
            if use is not None:
                yield ""
            use = group["use"]
            yield f"{_TITLES[use]}:"
        entries = group["entries"]
        if len(entries) > 1:
            yield f"  {len(entries)} visits of one person:"
        for entry in entries:
            yield f"{'    ' if len(entries) > 1 else '  '}{_line(entry)}"


def _line(entry: Mapping[str, Any]) -> str:
    words = [entry["entry"], entry["seen"][:16].replace("T", " ") + "Z", entry["person"] or "stranger"]
    if entry["nearest"] is not None:
        margin = entry["margin"]
        side = "above" if margin >= 0 else "below"
        words.append(f"nearest {entry['nearest']} {entry['score']:.2f} ({abs(margin):.2f} {side} a name)")
    words.append(counted(entry["looks"], "usable look"))
    flaws = [f"{flaw} {count}" for flaw, count in entry["flaws"].items()]
    return "  ".join([*words, *(["failed: " + ", ".join(flaws)] if flaws else [])])
