"""The fields of a request's payload -> checked values; a ValueError names the field and says what it must be."""

import re
from collections.abc import Mapping
from typing import Any, TypeGuard

MAX_SNOOZE_S = 7 * 24 * 3600
"""The longest time for which alerts can be silent, seconds."""

_MAX_NAME = 64
_MAX_LOOK_S = 30
_MAX_TRANSACTION = 64
_MAX_ENTRIES = 100
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_PHOTO = re.compile(r"[0-9a-f]{16}")
_ACTION = re.compile(r"[0-9a-f]{6}")
_ENTRY = re.compile(r"[0-9a-f]{8}")
_KINDS = ("person", "new", "ignore", "reject", "drop")
_EVENT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Fields = Mapping[str, Any]
"""The JSON object of a request, not checked yet."""


def transaction(fields: object) -> str | None:
    """Return the transaction, printable and at most 64 characters; None where there is none."""
    given = fields.get("transaction") if isinstance(fields, dict) else None
    if isinstance(given, str) and 0 < len(given) <= _MAX_TRANSACTION and given.isprintable():
        return given
    return None


def state(fields: Fields) -> bool:
    """Return whether `state` is on."""
    if fields.get("state") not in ("on", "off"):
        raise ValueError('state: must be "on" or "off"')
    return bool(fields["state"] == "on")


def person(fields: Fields, key: str = "id") -> str:
    """Return the id of a person."""
    given = fields.get(key)
    if not (isinstance(given, str) and _ID.fullmatch(given)):
        raise ValueError(f'{key}: must be the id of a person, such as "ada"')
    return given


def photo(fields: Fields) -> str:
    """Return the id of a photo."""
    given = fields.get("photo")
    if not (isinstance(given, str) and _PHOTO.fullmatch(given)):
        raise ValueError("photo: must be the id of a photo, 16 hexadecimal digits")
    return given


def action(fields: Fields) -> str:
    """Return the id of an action that can be undone."""
    given = fields.get("action")
    if not (isinstance(given, str) and _ACTION.fullmatch(given)):
        raise ValueError("action: must be the id of an action, 6 hexadecimal digits")
    return given


def entry(fields: Fields) -> str:
    """Return the id of an entry of the inbox."""
    given = fields.get("entry")
    if not (isinstance(given, str) and _ENTRY.fullmatch(given)):
        raise ValueError("entry: must be the id of an entry of the inbox, 8 hexadecimal digits")
    return given


def entries(fields: Fields) -> tuple[str, ...]:
    """Return the ids of entries of the inbox, each once."""
    given = fields.get("entries")
    texts = isinstance(given, list) and all(isinstance(each, str) and _ENTRY.fullmatch(each) for each in given)
    if not (isinstance(given, list) and texts and 0 < len(given) <= _MAX_ENTRIES):
        raise ValueError(
            f"entries: must be the ids of 1 to {_MAX_ENTRIES} entries of the inbox, 8 hexadecimal digits each"
        )
    return tuple(dict.fromkeys(given))


def kind(fields: Fields) -> str:
    """Return what is decided about an entry of the inbox."""
    given = fields.get("as")
    if given not in _KINDS:
        raise ValueError(f"as: must be one of {', '.join(_KINDS)}")
    return str(given)


def flag(fields: Fields, key: str) -> bool:
    """Return whether a field is given and true."""
    given = fields.get(key, False)
    if not isinstance(given, bool):
        raise ValueError(f"{key}: must be true or false")  # noqa: TRY004 - a field that is wrong, as any other
    return given


def name(fields: Fields) -> str | None:
    """Return the display name, None if it is not given."""
    given = fields.get("name")
    if given is not None and not (isinstance(given, str) and 0 < len(given) <= _MAX_NAME and given.isprintable()):
        raise ValueError(f"name: must be a text of at most {_MAX_NAME} characters")
    return given


def event(fields: Fields) -> str | None:
    """Return the id of an event, None if it is not given."""
    given = fields.get("event")
    if given is not None and not (isinstance(given, str) and _EVENT.fullmatch(given)):
        raise ValueError("event: must be the id of an event")
    return given


def rule(fields: Fields) -> str | None:
    """Return the id of an alert rule, None if it is not given."""
    given = fields.get("rule")
    if given is not None and not (isinstance(given, str) and _ID.fullmatch(given)):
        raise ValueError("rule: must be the id of an alert rule")
    return given


def snooze_s(fields: Fields) -> float:
    """Return the seconds for which alerts are silent."""
    given = fields.get("for_s")
    if not (_is_number(given) and 0 <= given <= MAX_SNOOZE_S):
        raise ValueError(f"for_s: must be a number of seconds from 0 to {MAX_SNOOZE_S}")
    return float(given)


def look_s(fields: Fields, default_s: float) -> float:
    """Return the seconds for which somebody is looked at, `default_s` if they are not given."""
    given = fields.get("for_s")
    if given is None:
        return default_s
    if not (_is_number(given) and 0 < given <= _MAX_LOOK_S):
        raise ValueError(f"for_s: must be a number of seconds up to {_MAX_LOOK_S}")
    return float(given)


def _is_number(given: object) -> TypeGuard[float]:
    return isinstance(given, int | float) and not isinstance(given, bool)
