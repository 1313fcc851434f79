"""Inventory values -> TOML settings, mosquitto's password hashes and its list of groups, as filters for templates."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

_ROUNDS = 101  # the default of mosquitto_passwd; enough, because the passwords of a vault are long and random


def to_toml(settings: Mapping[str, Any]) -> str:
    """Return settings as TOML, with nested tables and arrays of tables such as alerts.rules."""
    return "\n".join(_table_lines(settings, ())).strip() + "\n"


def rotated(names: str, number: int) -> str:
    """Return a list of names, separated by commas, that begins with another one of them for each number in turn."""
    each = [name.strip() for name in names.split(",")]
    first = number % len(each)
    return ",".join((*each[first:], *each[:first]))


def mosquitto_hash(password: str, key: str, name: str) -> str:
    """Return the PBKDF2-HMAC-SHA512 hash of a password in mosquitto's `$7$` format.

    The salt is derived from the account, the password and a secret key. The same password therefore gives the same
    hash at every run, and no two accounts share a salt.

    Args:
        password: the account's password.
        key: a secret of the fleet, from the vault.
        name: the account's name.
    """
    salt = hmac.digest(key.encode(), f"{name}\0{password}".encode(), "sha256")[:12]
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ROUNDS)
    return f"$7${_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def mosquitto_groups(accounts: Iterable[Mapping[str, Any]], certificate_names: Iterable[str]) -> str:
    """Return who may join which shared subscription, as the file of mosquitto's dynamic security plugin.

    The file has no passwords and grants nothing that the password file and the access list deny: the plugin refuses
    the subscriptions named here and leaves every other question to them. Mosquitto 2.0 asks the access list only about
    messages, so without the plugin whoever joins a group takes away its members' messages, even those denied to it.

    Args:
        accounts: name and, if it may join any, groups of each account.
        certificate_names: names in certificates, which may join no group.
    """
    groups: dict[str, list[str]] = {name: [] for name in certificate_names}
    groups |= {account["name"]: sorted(set(account.get("groups", ()))) for account in accounts}
    allowed = sorted({group for each in groups.values() for group in each})
    roles = [_role("none", "$share/#", allow=False)]
    roles += [_role(f"group.{group}", f"$share/{group}/#", allow=True) for group in allowed]
    nobody = {"publishClientSend": False, "publishClientReceive": False, "subscribe": False, "unsubscribe": False}
    clients = [
        {
            "username": name,
            "roles": [{"rolename": "none", "priority": 0}]
            + [{"rolename": f"group.{group}", "priority": 1} for group in joined],
        }
        for name, joined in sorted(groups.items())
    ]
    return json.dumps({"defaultACLAccess": nobody, "roles": roles, "groups": [], "clients": clients}, indent=1)


def _role(name: str, pattern: str, *, allow: bool) -> dict[str, Any]:
    return {"rolename": name, "acls": [{"acltype": "subscribePattern", "topic": pattern, "allow": allow}]}


def _table_lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    for key, value in table.items():
        if not _is_nested(value):
            yield f"{_key(key)} = {_value(value)}"
    for key, value in table.items():
        inner = (*path, key)
        name = ".".join(map(_key, inner))
        if isinstance(value, Mapping):
            # A table that holds only tables needs no header of its own.
            if not value or any(not _is_nested(each) for each in value.values()):
                yield f"\n[{name}]"
            yield from _table_lines(value, inner)
        elif _is_nested(value):
            for each in value:
                yield f"\n[[{name}]]"
                yield from _table_lines(each, inner)


def _is_nested(value: object) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list) and bool(value) and all(isinstance(each, Mapping) for each in value)
    )


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else _value(key)


def _value(value: object) -> str:
    """Return a scalar or a list of scalars as TOML: as JSON, except for the control character DEL."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


class FilterModule:
    """The entry point for Ansible."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return the filters by their names."""
        return {
            "to_toml": to_toml,
            "rotated": rotated,
            "mosquitto_hash": mosquitto_hash,
            "mosquitto_groups": mosquitto_groups,
        }
