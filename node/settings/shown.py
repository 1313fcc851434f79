"""The value of a setting -> what an error shows of it: nothing that could be a password."""

from collections.abc import Sequence
from pathlib import Path

from node.settings import broker_url
from node.system.redaction import HIDDEN, printable


def shown(keys: Sequence[str], value: object, written: str | None = None) -> object:
    """Return a value as an error shows it.

    Args:
        keys: of the setting.
        value: a text, a number or a truth value.
        written: what the owner wrote, where the value is the path that it means.
    """
    if keys[-1] == "password_file":  # people write the password itself
        return value if isinstance(value, str) and _is_path(value, written or value) else HIDDEN
    if not isinstance(value, str):
        return value
    return broker_url.shown(value) if tuple(keys) == ("mqtt", "host") else printable(value)


def _is_path(place: str, written: str) -> bool:
    """Return whether what was written is a path more likely than a password."""
    return "/" in written and Path(place).parent.is_dir() and printable(place) == place
