"""Message of a node -> a line for people, or a line of JSON."""

import importlib.util
import sys
from collections.abc import Callable, Mapping
from typing import Any

from node.system import terminal

_STYLES = {"recognized": "green", "unknown": "bold red", "changed": "yellow", "left": "dim", "alert": "bold magenta"}

Fields = Mapping[str, Any]
PrintMessage = Callable[[str, str | Fields, int | None], None]
"""Prints a message, given its topic, its payload, and the seconds for which it waited at the broker, if known."""

_LEAST_WAIT_S = 2
"""A broker counts in whole seconds: less may be no wait at all."""

_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def format_message(topic: str, payload: str | Fields, waited_s: int | None = None) -> tuple[str, str]:
    """Return a line for people, and the style in which rich prints it.

    Args:
        topic: of the message.
        payload: its fields, or its text if it has none.
        waited_s: seconds for which it waited at the broker; None if that is not known.
    """
    node, *levels = topic.split("/")[1:] or [""]
    if not isinstance(payload, Mapping):
        return f"{'':12} {node:16} {'/'.join(levels)} {payload}", ""
    late = levels[:1] == ["late"]
    moment = str(payload.get("at", ""))[11:23]
    words = [f"{moment:12}", f"{node:16}", "late" if late else "", _word(payload.get("event_type"))]
    person = payload.get("person")
    words += _words(person, "id", "score") if isinstance(person, Mapping) else [_word(person)]
    if payload.get("was") is not None:
        words.append(f"was {payload['was']}")
    for task in ("age", "ethnicity"):
        if isinstance(payload.get(task), Mapping):
            words += [task, *_words(payload[task], "group", "score")]
    numbers = ("state", "count", "for_s", "seen_s", "track")
    words += [f"{name} {payload[name]}" for name in numbers if payload.get(name) is not None]
    if waited_s is not None and waited_s >= _LEAST_WAIT_S:
        words.append(f"waited {duration(waited_s)} at the broker")
    style = _STYLES.get("alert" if "alert" in levels[:2] else str(payload.get("event_type")), "")
    return " ".join(word for word in words if word), style


def duration(seconds: int) -> str:
    """Return a duration in the two largest of its units, such as `3 h`, `2 min 5 s` or `1 d 4 h`."""
    parts, left = [], seconds
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        parts.append(f"{count} {unit}" if count else "")
    first = next((place for place, part in enumerate(parts) if part), len(parts) - 1)
    return " ".join(part for part in parts[first : first + 2] if part) or "0 s"


def _word(value: object) -> str:
    return "" if value is None else str(value)


def _words(fields: Fields, *names: str) -> list[str]:
    return [_word(fields.get(name)) for name in names]


def print_json(topic: str, payload: str | Fields, waited_s: int | None = None) -> None:
    """Print a message as one line of JSON, with the seconds for which it waited at the broker if they are known."""
    waited = {} if waited_s is None else {"waited_s": waited_s}
    terminal.print_json({"topic": topic, "payload": payload, **waited}, separators=(",", ":"))


def message_printer() -> PrintMessage:
    """Return a function that prints a line for people, in color if rich is installed and stdout is a terminal."""
    if not (sys.stdout.isatty() and importlib.util.find_spec("rich")):
        return lambda topic, payload, waited_s: terminal.print_line(format_message(topic, payload, waited_s)[0])
    from rich.console import Console  # noqa: PLC0415 - rich comes with the extra `demo`
    from rich.text import Text  # noqa: PLC0415 - as above

    console = Console()

    def print_message(topic: str, payload: str | Fields, waited_s: int | None) -> None:
        line, style = format_message(topic, payload, waited_s)
        console.print(Text(terminal.shown(line, sys.stdout), style=style), soft_wrap=True)

    return print_message
