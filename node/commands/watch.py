"""Messages of all nodes -> a line each on the terminal."""

import argparse
import json
import queue
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from node.commands.drain import drain
from node.commands.history import History
from node.commands.output import PrintMessage, message_printer, print_json
from node.commands.ready_file import SetReady, add_option, ready_setter
from node.contract.topics import ROOT
from node.domain import EventType, counted
from node.errors import BrokerError, UsageError
from node.mqtt import reason_codes
from node.mqtt.backoff import Timing
from node.mqtt.connect import connect
from node.mqtt.grants import Grants
from node.mqtt.link import Client, Link, Lost, Received, Report, Subscribed
from node.mqtt.report_queue import ReportQueue
from node.mqtt.takeover import Takeovers
from node.settings import Settings
from node.system.stop_signals import on_stop
from node.system.terminal import print_note

_KEEP_S = 7 * 24 * 3600
_MAX_ID = 256
_ACCOUNT = object()
"""`--durable` without an ID."""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `watch` to the command line."""
    parser = subparsers.add_parser("watch", parents=[common])
    parser.add_argument("--type", choices=[str(each) for each in EventType], help="print events of this type only")
    parser.add_argument(
        "--json",
        action="store_true",
        help='print one JSON line for each message: {"topic": ..., "payload": ...}, with "waited_s", the seconds for '
        "which it waited at the broker, where that is known",
    )
    parser.add_argument(
        "--durable",
        type=_client_id,
        nargs="?",
        const=_ACCOUNT,
        metavar="ID",
        help="let the broker keep messages for this ID while no watch runs, for a week; without an ID for the account "
        "(mqtt.username), which must then be used by nothing else",
    )
    parser.add_argument(
        "--drain",
        action="store_true",
        help="print what the broker keeps for --durable, let it keep nothing more, and exit",
    )
    add_option(parser, "all subscriptions are granted")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Print messages until SIGINT, SIGTERM or SIGHUP."""
    client = _client(args.durable, settings.mqtt.username)
    inbox = ReportQueue[Report]()
    print_message = print_json if args.json else message_printer()
    set_ready = ready_setter(args.ready)
    set_ready(False)
    with on_stop(lambda: inbox.put(None)):
        if args.drain:
            if not client.keep_s:
                raise UsageError("--drain: name the session to drain with --durable")
            return _drain_session(settings, client, inbox, print_message)
        watch(
            lambda: connect(settings.mqtt, client, inbox.put),
            inbox,
            topics(args.type),
            History(gaps=args.type is None),
            print_message=print_message,
            print_note=print_note,
            set_ready=set_ready,
        )
    return 0


def _drain_session(
    settings: Settings, client: Client, inbox: "queue.SimpleQueue[Report | None]", print_message: PrintMessage
) -> int:
    history = History(gaps=False)
    every_filter = {each for event_type in (None, *map(str, EventType)) for each in topics(event_type)}
    count = drain(
        lambda: connect(settings.mqtt, client, inbox.put),
        lambda: connect(settings.mqtt, Client(client.id), inbox.put),
        inbox,
        sorted(every_filter),
        lambda message: _handle(message, history, print_message, print_note),
    )
    if count is not None:
        print_note(f"{client.id}: the broker kept {counted(count, 'message')} and keeps no more")
    return 0


def _client(durable: object, username: str) -> Client:
    """Return who connects: with a session of this ID, of the account (`_ACCOUNT`), or with none (None).

    Raises:
        UsageError: the session should be the account's, but there is no login.
    """
    if durable is None:
        return Client(f"{ROOT}-watch-{secrets.token_hex(4)}")
    if durable is _ACCOUNT and not username:
        raise UsageError("--durable without an ID takes the name of the account: set mqtt.username, or give an ID")
    return Client(username if durable is _ACCOUNT else f"{ROOT}-watch-{durable}", keep_s=_KEEP_S)


def _client_id(text: str) -> str:
    if not (text and text.isprintable() and len(text) <= _MAX_ID):
        raise argparse.ArgumentTypeError(f"{text!r}: give 1 to {_MAX_ID} printable characters")
    return text


def topics(event_type: str | None) -> tuple[str, ...]:
    """Return the topic filters to subscribe to."""
    base = f"{ROOT}/+"
    if event_type:
        return f"{base}/event/{event_type}", f"{base}/late/event/{event_type}"
    return f"{base}/status", f"{base}/event/+", f"{base}/alert/+", f"{base}/late/#"


def watch(  # noqa: PLR0913 - the loop names everything it depends on
    open_link: Callable[[], Link],
    inbox: "queue.SimpleQueue[Report | None]",
    filters: tuple[str, ...],
    history: History,
    *,
    print_message: PrintMessage,
    print_note: Callable[[str], None],
    set_ready: SetReady,
    timing: Timing = Timing(first_s=0.5, max_s=10.0),  # noqa: B008 - a frozen value
    mono_s: Callable[[], float] = time.monotonic,
) -> None:
    """Connect, print what comes, and connect again when the connection is lost, until the inbox holds None.

    Args:
        open_link: opens one connection, whose reports go to the inbox.
        inbox: reports of the connection.
        filters: topics to subscribe to.
        history: what was received before.
        print_message: prints a message, given its topic, its payload and how long it waited at the broker.
        print_note: prints a line about the connection, or about missing events.
        set_ready: is given True when all subscriptions are granted, False when the connection is lost.
        timing: how long to wait between attempts, and after connections that end soon.
        mono_s: seconds of the monotonic clock.

    Raises:
        BrokerError: another program takes this one's session again and again.
    """
    failed, last_error, ended_soon = 0, "", 0
    takeovers = Takeovers()
    while True:
        try:
            link = open_link()
        except BrokerError as error:
            failed += 1
            takeovers.refused()
            if str(error) != last_error:
                last_error = str(error)
                print_note(f"{last_error}; trying again")
            if _stopped_within(inbox, timing.pause(failed, 1.0)):
                return
            continue
        failed, last_error = 0, ""
        began_s = mono_s()
        try:
            lost = _receive(
                link, inbox, filters, history, print_message=print_message, print_note=print_note, set_ready=set_ready
            )
        finally:
            set_ready(False)
            link.close()
        if lost is None:
            _print_rest(inbox, history, print_message, print_note)
            return
        lasted_s = mono_s() - began_s
        takeovers.ended(lost, lasted_s)
        ended_soon = 0 if timing.is_stable(lasted_s) else ended_soon + 1
        if ended_soon > 1 and _stopped_within(inbox, timing.pause(ended_soon - 1, 1.0)):
            return


def _receive(  # noqa: PLR0913 - as in watch
    link: Link,
    inbox: "queue.SimpleQueue[Report | None]",
    filters: tuple[str, ...],
    history: History,
    *,
    print_message: PrintMessage,
    print_note: Callable[[str], None],
    set_ready: SetReady,
) -> Lost | None:
    """Print what comes over one connection; return how it was lost, None for a stop."""
    grants, refused = Grants(link, filters), 0
    while (report := inbox.get()) is not None:
        match report:
            case Received():
                _handle(report, history, print_message, print_note)
            case Subscribed() if not grants.settle(report):
                grants.ask_again()
            case Subscribed(code=code):
                if code >= reason_codes.SUCCESS_BELOW:
                    refused += 1
                    print_note(f"the broker refused a subscription: {reason_codes.describe(code)}")
                if grants.settled:
                    print_note(f"connected, MQTT {link.protocol}")
                    set_ready(refused == 0)
            case Lost(sentence=sentence):
                print_note(sentence)
                return report
            case _:
                pass
    return None


def _stopped_within(inbox: "queue.SimpleQueue[Report | None]", seconds: float) -> bool:
    """Wait, and return whether a stop was requested meanwhile."""
    try:
        return inbox.get(timeout=seconds) is None
    except queue.Empty:
        return False


def _print_rest(
    inbox: "queue.SimpleQueue[Report | None]",
    history: History,
    print_message: PrintMessage,
    print_note: Callable[[str], None],
) -> None:
    """Print what came while the connection was closing: it is acknowledged, so the broker does not send it again."""
    with suppress(queue.Empty):
        while True:
            report = inbox.get_nowait()
            if isinstance(report, Received):
                _handle(report, history, print_message, print_note)


def _handle(
    message: Received, history: History, print_message: PrintMessage, print_note: Callable[[str], None]
) -> None:
    text = message.payload.decode(errors="replace")
    try:
        payload = json.loads(text)
    except (ValueError, RecursionError):
        payload = text
    if isinstance(payload, dict):
        if not history.is_new(payload):
            return
        note = history.gap_note(message.topic.partition("/")[2].partition("/")[0], payload)
        if note:
            print_note(note)
    try:
        print_message(message.topic, payload, message.waited_s)
    except RecursionError:
        # Nested deeply enough to be parsed, but not to be printed.
        print_message(message.topic, text, message.waited_s)
