"""Received events -> rows of a table that grows on the terminal."""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.util import find_spec
from typing import Any

from node.commands.demo.subscriber import ReceivedEvent
from node.domain import UNKNOWN
from node.system.terminal import print_line, shown

Row = tuple[str, ...]

_COLUMNS = ("time", "event", "who", "score", "age group", "in view", "latency")
_WIDTHS = (8, 10, 7, 5, 11, 7, 7)
_TABLE_WIDTH = sum(_WIDTHS) + 3 * len(_WIDTHS) + 1
"""A cell has a space on either side, and lines stand between and around the columns."""
_STYLES = {"recognized": "bold green", "unknown": "bold red", "changed": "bold yellow", "left": "dim"}


def row_of(event: ReceivedEvent) -> Row:
    """Return the cells of an event, one for each column; what the event does not carry is empty."""
    fields = event.payload
    person, age = fields.get("person"), fields.get("age")
    return (
        f"{datetime.fromisoformat(fields['at']).astimezone():%H:%M:%S}",
        event.event_type,
        person["id"] if person else UNKNOWN,
        f"{person['score']:.2f}" if person else "",
        f"{age['group']} {age['score']:.2f}" if age else "",
        f"{fields['seen_s']:.1f} s" if "seen_s" in fields else "",
        f"{event.latency_ms:.0f} ms",
    )


@contextmanager
def event_table() -> Iterator[Callable[[ReceivedEvent], None]]:
    """Yield a function that prints an event: in a live table on a wide terminal with rich, else as a plain line."""
    if sys.stdout.isatty() and find_spec("rich") and shutil.get_terminal_size().columns >= _TABLE_WIDTH:
        with _live_table() as add_event:
            yield add_event
    else:
        print_line(_plain(_COLUMNS))
        yield lambda event: print_line(_plain(row_of(event)))


def _plain(row: Row) -> str:
    return " ".join(cell.ljust(width) for cell, width in zip(row, _WIDTHS, strict=True)).rstrip()


def _cells(event: ReceivedEvent) -> list[Any]:
    """Return the row of an event for rich, which would take what stands in brackets for a style."""
    from rich.text import Text  # noqa: PLC0415 - rich is optional

    return [Text(shown(cell, sys.stdout)) for cell in row_of(event)]


@contextmanager
def _live_table() -> Iterator[Callable[[ReceivedEvent], None]]:
    from rich import box  # noqa: PLC0415 - rich is optional
    from rich.live import Live  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table: Any = Table(box=box.ROUNDED, title="facenode/demo/event/+ as a subscriber sees it", title_style="bold")
    for name, width in zip(_COLUMNS, _WIDTHS, strict=True):
        table.add_column(name, min_width=width, no_wrap=True)
    with Live(table, refresh_per_second=8):
        yield lambda event: table.add_row(*_cells(event), style=_STYLES.get(event.event_type))
