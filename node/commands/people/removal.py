"""`facenode people remove`: an id -> nothing left of that person, on the disk or in Home Assistant's discovery."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from node.assembly import announced_traces, build_erasure, build_outbox, check_outbox_files
from node.clock import SystemClock
from node.commands.people.announce import announce_people
from node.errors import BrokerError, PeopleError
from node.outbox.outbox import FILE as OUTBOX_FILE
from node.outbox.outbox import Outbox
from node.people.gallery import nobody
from node.people.trace import Trace
from node.requests.local_client import call, running
from node.settings import Settings
from node.system.privileges import become_owner
from node.system.terminal import print_error, print_line


def add_verb(verbs: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `remove`."""
    parser = verbs.add_parser("remove", parents=[common], help="erase a person")
    parser.add_argument("id", metavar="ID", help="the person to erase")
    parser.add_argument("--dry-run", action="store_true", help="only print what would be erased")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Erase a person from the gallery and from what waits for the broker, or print what would be erased.

    A running node does it, since it alone has access to its outbox and its memory. Without a running node the broker
    still holds Home Assistant's discovery, with the person's name. A command that is killed leaves a mark, by which the
    next start of the node, or the same command, finishes the erasure.
    """
    become_owner(settings.storage.dir)
    check_outbox_files(settings)
    if args.dry_run:
        for line in _would_erase(args.id, settings):
            print_line(f"would erase {line}")
        return 0
    erasure = build_erasure(settings, None)
    begun = erasure.stored(args.id)
    if begun:
        erasure.begin(args.id)
    if running(settings.storage.dir):
        _ask_node(args.id, settings, begun=begun)
    else:
        erase_here(args.id, settings)
    print_line(f"{args.id}: removed")
    return 0


def _ask_node(person: str, settings: Settings, *, begun: bool) -> None:
    """Let the running node erase a person.

    Raises:
        PeopleError: nobody has this id, or the node does not say that it has done it.
    """
    erasure = build_erasure(settings, None)
    try:
        call(settings.storage.dir, "people_remove", id=person)
    except PeopleError as error:
        if begun and not erasure.pending(person):
            return  # the node found the mark before the request
        if begun:
            raise PeopleError(f"{error}: the next start of the node, or this command again, finishes it") from error
        raise
    erasure.end(person)  # for a node of an older version, which knows no marks


def erase_here(person: str, settings: Settings) -> None:
    """Erase a person in place of a node that does not run.

    Raises:
        PeopleError: nobody has this id, or something cannot be erased.
    """
    with _outbox(settings) as outbox:
        erasure = build_erasure(settings, outbox)
        erasure.begin(person)
        erasure.erase_begun(person)
    if announced_traces(settings):
        _update_discovery(person, settings)
    erasure.end(person)


def _would_erase(person: str, settings: Settings) -> list[str]:
    """Return a line for each thing that would be erased.

    Raises:
        PeopleError: there is nothing.
    """
    if running(settings.storage.dir):
        return [str(each["what"]) for each in call(settings.storage.dir, "people_traces", id=person)]
    return [str(trace) for trace in traces_here(person, settings)]


def traces_here(person: str, settings: Settings) -> Sequence[Trace]:
    """Return what `erase_here` would erase.

    Raises:
        PeopleError: there is nothing.
    """
    with _outbox(settings) as outbox:
        traces = build_erasure(settings, outbox).traces(person)
    if not traces:
        raise nobody(person)
    return (*traces, *announced_traces(settings))


def _update_discovery(person: str, settings: Settings) -> None:
    try:
        announce_people(settings)
    except BrokerError as error:
        print_error(f"{error}: Home Assistant's discovery at the broker names {person} until the node starts")


@contextmanager
def _outbox(settings: Settings) -> Iterator[Outbox | None]:
    """Yield the outbox of the node; None if there is none, not even a damaged one that was set aside."""
    if not any(settings.storage.dir.glob(f"{OUTBOX_FILE}*")):
        yield None
        return
    with closing(build_outbox(settings, SystemClock())) as outbox:
        yield outbox
