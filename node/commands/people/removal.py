"""`facenode people remove`: an id -> nothing left of that person, on the disk or in Home Assistant's discovery."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from node.assembly import build_gallery, build_outbox, check_outbox_files
from node.clock import SystemClock
from node.commands.people.announce import announce_people, is_announced
from node.domain import counted
from node.errors import BrokerError
from node.outbox.outbox import FILE as OUTBOX_FILE
from node.outbox.outbox import Outbox
from node.requests.local_socket import running
from node.settings import Settings
from node.system.privileges import become_owner


def add_verb(verbs: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `remove`."""
    parser = verbs.add_parser("remove", parents=[common], help="erase a person")
    parser.add_argument("id", metavar="ID", help="the person to erase")
    parser.add_argument("--dry-run", action="store_true", help="only print what would be erased")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Erase a person from the gallery and from what waits for the broker, or print what would be erased.

    A running node notices that the person is gone and erases the rest itself, since it alone has access to its outbox
    and its memory. Without a running node the broker still holds Home Assistant's discovery, with the person's name.
    """
    become_owner(settings.storage.dir)
    check_outbox_files(settings)
    gallery, node_runs = build_gallery(settings), running(settings.storage.dir)
    if args.dry_run:
        for line in (*gallery.list_stored(args.id), *_beyond_the_gallery(args.id, settings, node_runs=node_runs)):
            print(f"would erase {line}")
        return 0
    gallery.remove(args.id)
    if not node_runs:
        with _outbox(settings) as outbox:
            if outbox is not None:
                outbox.erase(args.id)
        if is_announced(settings):
            _update_discovery(args.id, settings)
    print(f"{args.id}: removed")
    return 0


def _beyond_the_gallery(person: str, settings: Settings, *, node_runs: bool) -> Iterator[str]:
    """Yield a line for each thing outside the gallery that would be erased."""
    if node_runs:
        yield "what the running node holds: waiting messages, faces of recent events, who is in view"
        return
    with _outbox(settings) as outbox:
        if outbox is not None:
            yield f"{counted(outbox.count_about(person), 'message')} waiting for the broker"
    if is_announced(settings):
        yield "name and id in Home Assistant's discovery at the broker"


def _update_discovery(person: str, settings: Settings) -> None:
    try:
        announce_people(settings)
    except BrokerError as error:
        sys.stderr.write(
            f"facenode: {error}: Home Assistant's discovery at the broker names {person} until the node starts\n"
        )


@contextmanager
def _outbox(settings: Settings) -> Iterator[Outbox | None]:
    """Yield the outbox of the node; None if there is none."""
    if not (settings.storage.dir / OUTBOX_FILE).exists():
        yield None
        return
    with closing(build_outbox(settings, SystemClock())) as outbox:
        yield outbox
