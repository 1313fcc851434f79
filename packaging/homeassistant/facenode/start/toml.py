"""Tables -> TOML, as far as settings need it: the standard library reads it and does not write it."""

import json
from collections.abc import Mapping
from typing import Any


def to_toml(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """Return tables as the text of a settings file.

    Raises:
        TypeError: a value is none that JSON and TOML share.
    """
    parts = [f"[{_key(name)}]\n" + "".join(f"{_key(key)} = {_value(value)}\n" for key, value in table.items())
             for name, table in tables.items()]  # fmt: skip
    return "\n".join(parts)


def _key(name: str) -> str:
    return _text(name)


def _value(value: Any) -> str:  # noqa: ANN401 - any value of JSON
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_value(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(each) for each in value) + "]"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise TypeError(f"{value!r} cannot be written into a settings file")


def _text(text: str) -> str:
    """Return a basic string; TOML has the escapes of JSON, but no halves of characters, and takes no DEL as it is."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")
