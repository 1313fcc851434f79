"""Values of an inventory -> settings files and password hashes, as templates need them."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_ROUNDS = 101  # what mosquitto_passwd takes by itself; the passwords of a vault are long and random


def to_toml(settings: Mapping[str, Any]) -> str:
    """Return settings as TOML: sections with their keys, nested tables, and lists of tables such as alerts.rules."""
    return "\n".join(_lines(settings, ())).strip() + "\n"


def mosquitto_hash(password: str, key: str, name: str) -> str:
    """Return mosquitto's `$7$` hash of a password: PBKDF2-HMAC-SHA512.

    The salt depends on account, password and a key that only the vault knows, so that the same password gives the
    same line at every run, and two accounts never share a salt.

    Args:
        password: the account's.
        key: a secret of the fleet.
        name: the account's name.
    """
    salt = hmac.digest(key.encode(), f"{name}\0{password}".encode(), "sha256")[:12]
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ROUNDS)
    return f"$7${_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    for key, value in table.items():
        if not _nested(value):
            yield f"{_key(key)} = {_value(value)}"
    for key, value in table.items():
        inner = (*path, key)
        name = ".".join(map(_key, inner))
        if isinstance(value, Mapping):
            # A section that holds only sections needs no line of its own.
            if not value or any(not _nested(each) for each in value.values()):
                yield f"\n[{name}]"
            yield from _lines(value, inner)
        elif _nested(value):
            for each in value:
                yield f"\n[[{name}]]"
                yield from _lines(each, inner)


def _nested(value: object) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list) and bool(value) and all(isinstance(each, Mapping) for each in value)
    )


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else _value(key)


def _value(value: object) -> str:
    """Return a scalar or a list of scalars, which TOML writes as JSON does, but for one control character."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


class FilterModule:
    """What Ansible finds here."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return the filters by name."""
        return {"to_toml": to_toml, "mosquitto_hash": mosquitto_hash}
