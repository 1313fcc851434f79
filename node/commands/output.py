"""A message of a node -> a line for people, or a line of JSON."""

import importlib.util
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

_STYLES = {"recognized": "green", "unknown": "bold red", "changed": "yellow", "left": "dim", "alert": "bold magenta"}

Fields = Mapping[str, Any]
Show = Callable[[str, str | Fields], None]
"""Is given a message's topic and payload."""


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


def json_line(topic: str, payload: str | Fields) -> None:
    """Print a message as JSON."""
    message = {"topic": topic, "payload": payload}
    line = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    if escaped(line) != line:
        line = json.dumps(message, separators=(",", ":"))
    print(line, flush=True)


def printer() -> Show:
    """Return what prints a line for people, in colours where rich is installed and a terminal reads it."""
    if not (sys.stdout.isatty() and importlib.util.find_spec("rich")):
        return lambda topic, payload: print(escaped(readable(topic, payload)[0]), flush=True)
    from rich.console import Console  # noqa: PLC0415 - rich comes with the extra `demo`
    from rich.text import Text  # noqa: PLC0415 - as above

    console = Console()

    def show(topic: str, payload: str | Fields) -> None:
        line, style = readable(topic, payload)
        console.print(Text(escaped(line), style=style), soft_wrap=True)

    return show


def escaped(line: str) -> str:
    """Return a line with an escape for each character that a terminal would obey, or that it has no bytes for.

    What comes from a broker is anybody's: it must not move the cursor, or colour and rename the terminal.
    """
    shown = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in line)
    encoding = sys.stdout.encoding or "utf-8"
    return shown.encode(encoding, "backslashreplace").decode(encoding)
