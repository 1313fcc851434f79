"""The events of one node on a broker -> rows of a table that grows while one watches."""

import json
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from node.domain import UNKNOWN
from node.errors import BrokerError

_READY_S = 10.0
_COLUMNS = ("time", "event", "who", "score", "age group", "in view", "latency")
_WIDTHS = (8, 10, 7, 5, 11, 7, 7)
_WIDE = sum(_WIDTHS) + 3 * len(_WIDTHS) + 1
"""A cell has a space on either side, and lines stand between and around the columns."""
_COLOURS = {"recognized": "bold green", "unknown": "bold red", "changed": "bold yellow", "left": "dim"}


@dataclass(frozen=True, slots=True)
class Sighting:
    """One event as a subscriber saw it.

    Attributes:
        event: its payload.
        latency_ms: milliseconds from the frame that decided to the subscriber.
        row: what a person reads, by column.
    """

    event: Mapping[str, Any]
    latency_ms: float
    row: tuple[str, ...]

    @property
    def kind(self) -> str:
        """The event's type."""
        return str(self.event["event_type"])


def sighting(payload: bytes, received: datetime) -> Sighting:
    """Return an event's payload as a row; `received` is UTC."""
    event = json.loads(payload)
    at = datetime.fromisoformat(event["at"])
    latency_ms = (received - at).total_seconds() * 1e3
    person, age = event.get("person"), event.get("age")
    row = (
        f"{at.astimezone():%H:%M:%S}",
        event["event_type"],
        person["id"] if person else UNKNOWN,
        f"{person['score']:.2f}" if person else "",
        f"{age['group']} {age['score']:.2f}" if age else "",
        f"{event['seen_s']:.1f} s" if "seen_s" in event else "",
        f"{latency_ms:.0f} ms",
    )
    return Sighting(event, latency_ms, row)


class Subscriber:
    """Hands on every event of a node for as long as the context lasts.

    Args:
        host: of the broker.
        port: of the broker.
        node: the node's id.
        take: called with each event, on the network's thread.

    Raises:
        BrokerError: the broker does not let it subscribe.
    """

    def __init__(self, host: str, port: int, node: str, take: Callable[[Sighting], None]) -> None:
        self._address = (host, port)
        self._topic = f"facenode/{node}/event/+"
        self._take = take
        self._ready = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="facenode-demo-subscriber")
        self._client.on_connect = lambda client, *_: client.subscribe(self._topic, 1)
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._received

    def __enter__(self) -> Self:
        try:
            self._client.connect(*self._address)
        except OSError as error:
            raise BrokerError(f"{self._address[0]}:{self._address[1]}: {error}") from error
        self._client.loop_start()
        if not self._ready.wait(_READY_S):
            raise BrokerError(f"{self._address[0]}:{self._address[1]}: no answer to a subscription")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _received(self, client: paho.Client, userdata: object, message: paho.MQTTMessage) -> None:
        del client, userdata
        self._take(sighting(bytes(message.payload), datetime.now(UTC)))


@contextmanager
def view() -> Iterator[Callable[[Sighting], None]]:
    """Yield what shows a sighting: a row of a live table on a wide terminal with rich, else a plain line."""
    if sys.stdout.isatty() and find_spec("rich") and shutil.get_terminal_size().columns >= _WIDE:
        with _live_table() as show:
            yield show
    else:
        print(_plain(_COLUMNS))
        yield lambda seen: print(_plain(seen.row), flush=True)


def _plain(row: tuple[str, ...]) -> str:
    return " ".join(cell.ljust(width) for cell, width in zip(row, _WIDTHS, strict=True)).rstrip()


@contextmanager
def _live_table() -> Iterator[Callable[[Sighting], None]]:
    from rich import box  # noqa: PLC0415 - rich is optional
    from rich.live import Live  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table: Any = Table(box=box.ROUNDED, title="facenode/demo/event/+ as a subscriber sees it", title_style="bold")
    for name, width in zip(_COLUMNS, _WIDTHS, strict=True):
        table.add_column(name, min_width=width, no_wrap=True)
    with Live(table, refresh_per_second=8):
        yield lambda seen: table.add_row(*seen.row, style=_COLOURS.get(seen.kind))
