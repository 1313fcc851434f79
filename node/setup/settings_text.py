"""The text of a settings file and changes to it -> the new text, with the owner's comments and other settings kept.

Lines of the usual form, `key = value` below `[section]`, are changed where they stand. The result is read again: if it
does not say exactly what it should, as with a value over several lines, the whole file is written anew from its values,
without comments.
"""

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from node.errors import SetupError
from node.system.text import decoded

Changes = Mapping[str, Mapping[str, Any]]
"""Values by section and key; None removes a key, and a mapping is merged into the one that is there."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_TABLE = re.compile(r"^\s*\[\s*([A-Za-z0-9_.-]+)\s*\]\s*(?:#.*)?$")
_ANY_TABLE = re.compile(r"^\s*\[")
_COMMENT = re.compile(r"""^(?:[^"'#]|"(?:[^"\\]|\\.)*"|'[^']*')*?(\s*#.*)$""")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def read(content: bytes) -> dict[str, Any]:
    """Return the values of a settings file.

    Raises:
        SetupError: it is not a TOML file.
    """
    try:
        return tomllib.loads(decoded(content))
    except (ValueError, RecursionError) as error:
        raise SetupError(f"not a TOML file: {error}") from error


def merged(values: Mapping[str, Any], changes: Changes) -> dict[str, Any]:
    """Return the values with the changes."""
    result = dict(values)
    for section, given in changes.items():
        former = result.get(section)
        kept = dict(former) if isinstance(former, Mapping) else {}
        for key, value in given.items():
            kept.pop(key, None) if value is None else kept.__setitem__(key, value)
        if kept or section in result:
            result[section] = kept
    return result


def edited(text: str, changes: Changes) -> str:
    """Return a settings file with the changes.

    Args:
        text: a TOML file; empty for a new one.
        changes: by section and key.
    """
    wanted = merged(tomllib.loads(text), changes)
    lines = text.splitlines()
    for section, given in changes.items():
        for key, value in given.items():
            lines = _set(lines, section, key, value)
    proposal = "\n".join(lines) + "\n"
    try:
        if tomllib.loads(proposal) == wanted:
            return proposal
    except ValueError:
        pass
    return dump(wanted)


def _set(lines: list[str], section: str, key: str, value: object) -> list[str]:
    """Return the lines with one key changed, added or removed."""
    start = next((number for number, line in enumerate(lines) if _is_table(line, section)), None)
    if start is None:
        if value is None:
            return lines
        gap = [""] if lines and lines[-1].strip() else []
        return [*lines, *gap, f"[{section}]", f"{key} = {literal(value)}"]
    end = next((n for n in range(start + 1, len(lines)) if _ANY_TABLE.match(lines[n])), len(lines))
    pattern = re.compile(rf"^\s*{re.escape(key)}\s*=")
    found = next((n for n in range(start + 1, end) if pattern.match(lines[n])), None)
    if found is not None:
        if value is None:
            return [*lines[:found], *lines[found + 1 :]]
        comment = _COMMENT.match(lines[found])
        return [*lines[:found], f"{key} = {literal(value)}{comment[1] if comment else ''}", *lines[found + 1 :]]
    if value is None:
        return lines
    last = max(n for n in range(start, end) if lines[n].strip() and not lines[n].lstrip().startswith("#"))
    return [*lines[: last + 1], f"{key} = {literal(value)}", *lines[last + 1 :]]


def _is_table(line: str, section: str) -> bool:
    found = _TABLE.match(line)
    return found is not None and found[1] == section


def dump(values: Mapping[str, Any]) -> str:
    """Return values as a TOML file."""
    blocks: list[str] = []
    plain = {key: value for key, value in values.items() if not isinstance(value, Mapping)}
    if plain:
        blocks.append("\n".join(f"{_key(key)} = {literal(value)}" for key, value in plain.items()))
    for key, value in values.items():
        if isinstance(value, Mapping):
            blocks.append("\n".join((f"[{_key(key)}]", *(f"{_key(k)} = {literal(v)}" for k, v in value.items()))))
    return "\n\n".join(blocks) + "\n"


def literal(value: object) -> str:
    """Return a value in TOML, on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return _string(value)
        case Mapping():
            return "{ " + ", ".join(f"{_key(k)} = {literal(v)}" for k, v in value.items()) + " }" if value else "{}"
        case list() | tuple():
            return f"[{', '.join(map(literal, value))}]"
        case _:  # dates and times, which no setting has
            return str(value)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _string(key)


def _string(text: str) -> str:
    escapes = (_ESCAPES.get(each) or (each if each.isprintable() else f"\\U{ord(each):08x}") for each in text)
    return f'"{"".join(escapes)}"'
