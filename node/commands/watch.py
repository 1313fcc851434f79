"""Messages of all nodes -> a line each on the terminal: the test subscriber."""

import argparse
import json
import queue
import secrets
import signal
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from node.commands.output import Fields, Show, escaped, json_line, printer
from node.commands.ready_file import add_option, marker
from node.contract.topics import ROOT
from node.domain import EventType
from node.errors import BrokerError
from node.mqtt import reason_codes
from node.mqtt.backoff import Timing
from node.mqtt.connect import connect
from node.mqtt.link import Client, Link, Lost, Received, Report, Subscribed
from node.settings import Settings

_REMEMBERED_IDS = 10_000
_FOLLOWED = 100_000
"""Missing events of a node that are remembered, as many as an outbox keeps unless set otherwise."""
_KEEP_S = 7 * 24 * 3600


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `watch` to the command line."""
    parser = subparsers.add_parser("watch", parents=[common])
    parser.add_argument("--type", choices=[str(each) for each in EventType], help="only events of this type")
    parser.add_argument("--json", action="store_true", help='one JSON line a message: {"topic": ..., "payload": ...}')
    parser.add_argument("--durable", metavar="ID", help="the broker keeps what comes while this watcher is away")
    add_option(parser, "all is subscribed to")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Print messages until SIGINT or SIGTERM."""
    client = Client(f"{ROOT}-watch-{args.durable or secrets.token_hex(4)}", keep_s=_KEEP_S if args.durable else 0)
    inbox: queue.SimpleQueue[Report | None] = queue.SimpleQueue()
    show = json_line if args.json else printer()
    ready = marker(args.ready)
    ready(False)
    with _stopping(lambda: inbox.put(None)):
        watch(
            lambda: connect(settings.mqtt, client, inbox.put),
            inbox,
            topics(args.type),
            Watcher(gaps=args.type is None),
            show=show,
            say=lambda line: print(escaped(line), file=sys.stderr, flush=True),
            ready=ready,
        )
    return 0


def topics(event_type: str | None) -> tuple[str, ...]:
    """Return the filters of what is shown."""
    base = f"{ROOT}/+"
    if event_type:
        return f"{base}/event/{event_type}", f"{base}/late/event/{event_type}"
    return f"{base}/status", f"{base}/event/+", f"{base}/alert/+", f"{base}/late/#"


class Watcher:
    """Remember what was seen: drop repeated messages and tell what is missing.

    `seq` counts the events of a node by one, over its restarts; late ones come after live ones, so that a gap may
    still be filled.

    Args:
        gaps: tell what is missing; only for who sees events of every type, which `seq` counts together.
    """

    def __init__(self, *, gaps: bool = True) -> None:
        self._gaps = gaps
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._greatest: dict[str, int] = {}
        self._missing: dict[str, set[int]] = {}

    def is_new(self, payload: Fields) -> bool:
        """Return whether a message's id was not seen before; one without an id always is new."""
        message_id = payload.get("id")
        if not isinstance(message_id, str):
            return True
        if message_id in self._ids:
            return False
        self._ids[message_id] = None
        if len(self._ids) > _REMEMBERED_IDS:
            self._ids.popitem(last=False)
        return True

    def missing(self, node: str, payload: Fields) -> str | None:
        """Return a sentence if an event shows that others are missing, or that none is any more."""
        seq = payload.get("seq")
        if not self._gaps or not isinstance(seq, int):
            return None
        greatest = self._greatest.setdefault(node, seq)
        missing = self._missing.setdefault(node, set())
        if abs(seq - greatest) + len(missing) > _FOLLOWED:
            # An outbox that was begun anew, or a message that is not a node's: no set of numbers bridges it.
            self._greatest[node] = seq
            missing.clear()
            return f"{node}: the number jumps from {greatest} to {seq}: what is missing is counted from there"
        before = len(missing)
        missing.discard(seq)
        missing.update(range(greatest + 1, seq))
        self._greatest[node] = max(greatest, seq)
        if len(missing) > before:
            return f"{node}: {seq - greatest - 1} events before number {seq} are missing so far"
        if before and not missing:
            return f"{node}: no event is missing any more"
        return None


def watch(  # noqa: PLR0913 - the loop names all it depends on
    dial: Callable[[], Link],
    inbox: "queue.SimpleQueue[Report | None]",
    filters: tuple[str, ...],
    watcher: Watcher,
    *,
    show: Show,
    say: Callable[[str], None],
    ready: Callable[[bool], None],
    timing: Timing = Timing(first_s=0.5, max_s=10.0),  # noqa: B008 - a frozen value
) -> None:
    """Connect again and again and show what comes, until the inbox holds None.

    Args:
        dial: makes one connection whose reports go to the inbox.
        inbox: reports of the connection.
        filters: what is asked for.
        watcher: remembers what was seen.
        show: is given topic and payload of each message.
        say: is given what concerns the connection, or gaps.
        ready: is told True when all that was asked for is granted, False when the connection is gone.
        timing: the pauses between attempts.
    """
    failed, told = 0, ""
    while True:
        try:
            link = dial()
        except BrokerError as error:
            failed += 1
            if str(error) != told:
                told = str(error)
                say(f"{told}; trying again")
            if _rest(inbox, timing.pause(failed, 1.0)):
                return
            continue
        failed, told = 0, ""
        try:
            ended = _listen(link, inbox, filters, watcher, show=show, say=say, ready=ready)
        finally:
            ready(False)
            link.close()
        if ended:
            _drain(inbox, watcher, show, say)
            return


def _listen(  # noqa: PLR0913 - as in watch
    link: Link,
    inbox: "queue.SimpleQueue[Report | None]",
    filters: tuple[str, ...],
    watcher: Watcher,
    *,
    show: Show,
    say: Callable[[str], None],
    ready: Callable[[bool], None],
) -> bool:
    """Show what comes over one connection; return whether the end was asked for."""
    for each in filters:
        link.subscribe(each)
    waiting, refused = len(filters), 0
    while (report := inbox.get()) is not None:
        match report:
            case Received():
                _take(report, watcher, show, say)
            case Subscribed(code=code):
                waiting -= 1
                if code >= reason_codes.SUCCESS_BELOW:
                    refused += 1
                    say(f"a subscription is refused: {reason_codes.describe(code)}")
                if waiting == 0:
                    say(f"connected, MQTT {link.protocol}")
                    ready(refused == 0)
            case Lost(sentence=sentence):
                say(sentence)
                return False
            case _:
                pass
    return True


def _rest(inbox: "queue.SimpleQueue[Report | None]", seconds: float) -> bool:
    """Wait, and return whether the end was asked for."""
    try:
        return inbox.get(timeout=seconds) is None
    except queue.Empty:
        return False


def _drain(inbox: "queue.SimpleQueue[Report | None]", watcher: Watcher, show: Show, say: Callable[[str], None]) -> None:
    """Show what came while the connection was being closed: it is acknowledged, so nobody will send it again."""
    with suppress(queue.Empty):
        while True:
            report = inbox.get_nowait()
            if isinstance(report, Received):
                _take(report, watcher, show, say)


def _take(message: Received, watcher: Watcher, show: Show, say: Callable[[str], None]) -> None:
    text = message.payload.decode(errors="replace")
    try:
        payload = json.loads(text)
    except (ValueError, RecursionError):
        payload = text
    if isinstance(payload, dict):
        if not watcher.is_new(payload):
            return
        gap = watcher.missing(message.topic.partition("/")[2].partition("/")[0], payload)
        if gap:
            say(gap)
    try:
        show(message.topic, payload)
    except RecursionError:
        # Nested just so deep that it could still be read.
        show(message.topic, text)


@contextmanager
def _stopping(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` on SIGINT and SIGTERM."""
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(each, lambda *_: stop()) for each in signals]
    try:
        yield
    finally:
        for each, handler in zip(signals, before, strict=True):
            signal.signal(each, handler)
