"""A file of answers, for scripts and images -> the answers, with the content of the files that it names."""

import tomllib
from pathlib import Path
from typing import Any

from node.errors import SetupError
from node.setup.schema import MAX_CA_BYTES, Answers, parse
from node.system.bounded_files import read_bounded
from node.system.text import decoded

_MAX_BYTES = 64 << 10
_FILES = {"password_file": "password", "ca_file": "ca"}
"""Answers of `broker` that name a file, and the answer that its content is."""


def read_answers(path: Path) -> Answers:
    """Return the answers in a TOML file. `broker.password_file` and `broker.ca_file` start at its folder.

    Raises:
        SetupError: it cannot be read, or does not keep to the schema.
    """
    try:
        fields = tomllib.loads(decoded(read_bounded(path, _MAX_BYTES)))
    except OSError as error:
        raise SetupError(f"{path}: {error.strerror or error}: name a readable file of answers") from error
    except (ValueError, RecursionError) as error:
        raise SetupError(f"{path}: not a TOML file: {error}") from error
    try:
        return parse(fields | _with_contents(fields.get("broker"), path.parent))
    except SetupError as error:
        raise SetupError(f"{path}: {error}") from None  # the cause may hold the password


def _with_contents(broker: Any, folder: Path) -> dict[str, Any]:  # noqa: ANN401 - whatever TOML holds
    """Return the section `broker` with the content of the files that it names."""
    if not isinstance(broker, dict):
        return {}
    given = dict(broker)
    for key, content in _FILES.items():
        name = given.pop(key, None)
        if name is None:
            continue
        if content in given:
            raise SetupError(f"broker.{key} and broker.{content} say the same: remove one of them")
        if not isinstance(name, str) or not name or "\0" in name:
            raise SetupError(f"broker.{key}: name a file")
        try:
            text = decoded(read_bounded(folder / name, MAX_CA_BYTES))
        except OSError as error:
            raise SetupError(f"broker.{key}: {name}: {error.strerror or error}: name a readable file") from error
        except ValueError as error:
            raise SetupError(f"broker.{key}: {name}: {error}") from error
        given[content] = text.rstrip("\r\n") if content == "password" else text
    return {"broker": given}
