"""Messages of all nodes -> a line each on the terminal: the test subscriber."""

import argparse
import importlib.util
import json
import queue
import secrets
import signal
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from node.domain import EventType
from node.errors import BrokerError
from node.mqtt import failures
from node.mqtt.connection import connect
from node.mqtt.link import Client, Link, Lost, Received, Report, Subscribed
from node.mqtt.publisher import Pace
from node.mqtt.topics import ROOT
from node.settings import Settings

_REMEMBERED_IDS = 10_000
_KEEP_S = 7 * 24 * 3600
_STYLES = {"recognized": "green", "unknown": "bold red", "changed": "yellow", "left": "dim", "alert": "bold magenta"}

Fields = Mapping[str, Any]


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `watch` to the command line."""
    parser = subparsers.add_parser("watch", parents=[common], help="show what the nodes tell")
    parser.add_argument("--type", choices=[str(each) for each in EventType], help="only events of this type")
    parser.add_argument("--json", action="store_true", help='one JSON line a message: {"topic": ..., "payload": ...}')
    parser.add_argument("--durable", metavar="ID", help="the broker keeps what comes while this watcher is away")
    parser.set_defaults(main=main)


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Print messages until SIGINT or SIGTERM."""
    client = Client(f"{ROOT}-watch-{args.durable or secrets.token_hex(4)}", keep_s=_KEEP_S if args.durable else 0)
    inbox: queue.SimpleQueue[Report | None] = queue.SimpleQueue()
    show = _json_line if args.json else _printer()
    with _stopping(lambda: inbox.put(None)):
        watch(
            lambda: connect(settings.mqtt, client, inbox.put),
            inbox,
            topics(args.type),
            Watcher(),
            show=show,
            say=lambda line: print(line, file=sys.stderr, flush=True),
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
    """

    def __init__(self) -> None:
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
        if not isinstance(seq, int):
            return None
        greatest = self._greatest.setdefault(node, seq)
        missing = self._missing.setdefault(node, set())
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
    show: Callable[[str, str | Fields], None],
    say: Callable[[str], None],
    pace: Pace = Pace(first_s=0.5, most_s=10.0),  # noqa: B008 - a frozen value
) -> None:
    """Connect again and again and show what comes, until the inbox holds None.

    Args:
        dial: makes one connection whose reports go to the inbox.
        inbox: reports of the connection.
        filters: what is asked for.
        watcher: remembers what was seen.
        show: is given topic and payload of each message.
        say: is given what concerns the connection, or gaps.
        pace: how long to wait between attempts.
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
            if _rest(inbox, pace.pause(failed, 1.0)):
                return
            continue
        failed, told = 0, ""
        try:
            ended = _listen(link, inbox, filters, watcher, show=show, say=say)
        finally:
            link.close()
        if ended:
            return


def readable(topic: str, payload: str | Fields) -> tuple[str, str]:
    """Return a line for people, and the style in which it is coloured."""
    node, *levels = topic.split("/")[1:] or [""]
    if not isinstance(payload, Mapping):
        return f"{'':12} {node:16} {'/'.join(levels)} {payload}", ""
    late = levels[:1] == ["late"]
    moment = str(payload.get("at", ""))[11:23]
    words = [f"{moment:12}", f"{node:16}", "late" if late else "", str(payload.get("event_type", ""))]
    person = payload.get("person")
    words.append(f"{person.get('id')} {person.get('score')}" if isinstance(person, Mapping) else str(person or ""))
    if "was" in payload:
        words.append(f"was {payload['was']}")
    guesses = {task: payload[task] for task in ("age", "ethnicity") if isinstance(payload.get(task), Mapping)}
    words += [f"{task} {guess.get('group')} {guess.get('score')}" for task, guess in guesses.items()]
    words += [f"{name} {payload[name]}" for name in ("state", "count", "for_s", "seen_s", "track") if name in payload]
    style = _STYLES.get("alert" if "alert" in levels[:2] else str(payload.get("event_type")), "")
    return " ".join(word for word in words if word), style


def _listen(  # noqa: PLR0913 - as in watch
    link: Link,
    inbox: "queue.SimpleQueue[Report | None]",
    filters: tuple[str, ...],
    watcher: Watcher,
    *,
    show: Callable[[str, str | Fields], None],
    say: Callable[[str], None],
) -> bool:
    """Show what comes over one connection; return whether the end was asked for."""
    for each in filters:
        link.subscribe(each)
    waiting = len(filters)
    while (report := inbox.get()) is not None:
        match report:
            case Received():
                _take(report, watcher, show, say)
            case Subscribed(code=code):
                waiting -= 1
                if code >= failures.SUCCESS_BELOW:
                    say(f"a subscription is refused: {failures.coded(code)}")
                if waiting == 0:
                    say(f"connected, MQTT {link.protocol}")
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


def _take(
    message: Received, watcher: Watcher, show: Callable[[str, str | Fields], None], say: Callable[[str], None]
) -> None:
    text = message.payload.decode(errors="replace")
    try:
        payload = json.loads(text)
    except ValueError:
        payload = text
    if isinstance(payload, dict):
        if not watcher.is_new(payload):
            return
        gap = watcher.missing(message.topic.split("/")[1], payload)
        if gap:
            say(gap)
    show(message.topic, payload)


def _json_line(topic: str, payload: str | Fields) -> None:
    line = json.dumps({"topic": topic, "payload": payload}, ensure_ascii=False, separators=(",", ":"))
    print(line, flush=True)


def _printer() -> Callable[[str, str | Fields], None]:
    """Return what prints a line for people, in colours where rich is installed and a terminal reads it."""
    if not (sys.stdout.isatty() and importlib.util.find_spec("rich")):
        return lambda topic, payload: print(readable(topic, payload)[0], flush=True)
    from rich.console import Console  # noqa: PLC0415 - rich comes with the extra `demo`
    from rich.text import Text  # noqa: PLC0415 - as above

    console = Console()

    def show(topic: str, payload: str | Fields) -> None:
        line, style = readable(topic, payload)
        console.print(Text(line, style=style), soft_wrap=True)

    return show


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
