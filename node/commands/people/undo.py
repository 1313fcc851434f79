"""`facenode people undo`: the actions of the last ten minutes -> a list, or one of them undone."""

import argparse
from typing import Any

from node.assembly import build_gallery
from node.errors import PeopleError
from node.people.undoable import UndoableChanges
from node.requests.corrections import action_fields
from node.requests.local_client import call, running
from node.review.files import ReviewFiles
from node.settings import Settings
from node.system.privileges import become_owner
from node.system.terminal import print_json, print_line

_LAST = "last"
_NOTHING = "there is nothing to undo: an action can be undone for ten minutes"


def add_verb(verbs: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `undo`."""
    parser = verbs.add_parser("undo", parents=[common], help="list what can be undone, or undo an action")
    parser.add_argument(
        "action", nargs="?", metavar="ACTION", help=f"the action to undo: an id from the list, or {_LAST}"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON line for each action")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace, settings: Settings) -> int:
    """List the actions that can be undone, or undo one: a running node does it, since it holds the inbox."""
    become_owner(settings.storage.dir)
    changes = build_gallery(settings).changes
    actions = changes.actions()
    if args.action is not None:
        if args.action == _LAST and not actions:
            raise PeopleError(_NOTHING)
        print_line(f"undone: {_undo(actions[0].action.id if args.action == _LAST else args.action, settings)}")
        return 0
    for each in actions:
        if args.json:
            print_json(action_fields(each))
        else:
            obstacle = f" ({each.obstacle})" if each.obstacle else ""
            print_line(f"{each.action.id}  {_age(each.age_s)}  {each.action.summary}{obstacle}")
    if not (actions or args.json):
        print_line(_NOTHING)
    return 0


def print_obstacle(changes: UndoableChanges) -> None:
    """Print why the last action cannot be undone, if it cannot."""
    latest = next(iter(changes.actions()), None)
    if latest is not None and latest.obstacle is not None:
        print_line(f"{latest.action.summary}: {latest.obstacle}")


def _undo(action: str, settings: Settings) -> str:
    """Undo an action; return what it was."""
    if running(settings.storage.dir):
        return str(call(settings.storage.dir, "people_undo", action=action)["what"])
    undone = build_gallery(settings).changes.undo(action)
    try:
        ReviewFiles(settings.storage.dir).restore(undone.entries)
    except OSError as error:
        raise PeopleError(f"undone, but the inbox cannot be written: {error.filename}: {error.strerror}") from error
    return str(undone.summary)


def _age(age_s: float) -> str:
    return f"{age_s / 60:.0f} min ago" if age_s >= 60 else f"{age_s:.0f} s ago"  # noqa: PLR2004 - seconds of a minute
