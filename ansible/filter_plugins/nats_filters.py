"""Inventory values -> the accounts of a NATS server: who may log in how, and read and write what."""

import hmac
import json
import string
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

_COST = 5
"""Bcrypt's cost: 2^5 rounds are enough, because the passwords of a vault are long and random."""

_BCRYPT = str.maketrans(
    string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/",
    "./" + string.ascii_uppercase + string.ascii_lowercase + string.digits,
)
"""From the alphabet of base64 to bcrypt's own."""

_DELIVERY = "$MQTT.sub.>"
"""Where the server delivers an MQTT client's messages of QoS 1. Over the NATS protocol it would show those of all."""

_MAY: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "homeassistant": (("facenode/+/request/#", "homeassistant/#"), ("facenode/#", "homeassistant/#")),
    "security": ((), ("facenode/+/alert/#", "facenode/+/late/alert/#", "facenode/+/status")),
    "fleet": (("facenode/#", "homeassistant/device/facenode/#"), ("facenode/#", "homeassistant/device/facenode/#")),
}
"""The MQTT topics that an account may write, and those that it may read, by its `may`."""


def nats_secret(key: str, purpose: str) -> str:
    """Return a password for use between servers, derived from a secret of the fleet.

    Args:
        key: a secret of the fleet, from the vault.
        purpose: what it is for; another purpose gives another password.
    """
    return hmac.digest(key.encode(), f"nats\0{purpose}".encode(), "sha256").hex()


def nats_hash(password: str, key: str, name: str) -> str:
    """Return the bcrypt hash of a password, as a NATS server reads it.

    The salt is derived from the account, the password and a secret key, so the same password gives the same hash at
    every run, and no two accounts share a salt.

    Args:
        password: the account's password, at most 72 bytes.
        key: a secret of the fleet, from the vault.
        name: the account's name.
    """
    import bcrypt  # noqa: PLC0415 - only the controller of a fleet with NATS needs it

    salt = hmac.digest(key.encode(), f"{name}\0{password}".encode(), "sha256")[:16]
    encoded = b64encode(salt).decode().rstrip("=").translate(_BCRYPT)
    hashed: bytes = bcrypt.hashpw(password.encode(), f"$2a${_COST:02}${encoded}".encode())
    return hashed.decode()


def nats_accounts(
    accounts: Iterable[Mapping[str, Any]], key: str, nodes: Iterable[str] | None = None, retired: Iterable[str] = ()
) -> str:
    """Return the accounts of a server, as JSON, which is valid in its configuration.

    All programs and nodes are users of one account, because retained messages belong to an account. Whoever is not
    listed cannot log in, and a user may do nothing that is not listed.

    Args:
        accounts: name, password, `may` and, if it shares work with others, `groups` of each account.
        key: a secret of the fleet, from the vault.
        nodes: the names in the certificates of the nodes, for a server where these log in; None for one where passwords
            do, and where a node's user, which has none, would let in whoever says its name.
        retired: those of retired nodes, which may not log in.
    """
    users = [_account(account, key) for account in accounts]
    system: list[dict[str, Any]] = []
    if nodes is not None:
        gone = set(retired)
        users += [
            _node(name, None if name not in gone else nats_secret(key, name)) for name in sorted(gone.union(nodes))
        ]
        users.append(_streams(key))
        system.append(_local("system", key))
    return json.dumps({"FLEET": {"jetstream": "enabled", "users": users}, "SYS": {"users": system}}, indent=1)


def _node(name: str, password: str | None) -> dict[str, Any]:
    """Return the user of a node.

    One that logs in with a certificate must have no password. A retired one has a password that nobody knows: it stays,
    because a server that applies changed accounts removes the retained messages of users that it does not know, and
    Home Assistant would not learn that the node is gone.
    """
    own, discovery = f"facenode/{name}/#", f"homeassistant/device/facenode/{name}/config"
    return {
        "user": f"CN={name}",
        **({} if password is None else {"password": password}),
        "allowed_connection_types": ["MQTT"],
        # Over MQTT 3.1.1, `facenode check` must read what the node writes: nothing else shows that it is allowed.
        "permissions": _permissions([own, discovery], [own, discovery, "homeassistant/status"]),
    }


def _streams(key: str) -> dict[str, Any]:
    """Return the user that bounds what waits for absent subscribers."""
    allowed = [f"$JS.API.STREAM.{verb}.$MQTT_msgs" for verb in ("INFO", "CREATE", "UPDATE")]
    permissions = {"publish": {"allow": allowed}, "subscribe": {"allow": ["_INBOX.streams.>"]}}
    return _local("streams", key) | {"permissions": permissions}


def _local(name: str, key: str) -> dict[str, Any]:
    """Return a user for this host alone: where it listens for the NATS protocol, it serves only loopback."""
    return {"user": name, "password": nats_secret(key, name), "allowed_connection_types": ["STANDARD"]}


def _account(account: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return the user of an account. One with groups speaks the NATS protocol, all others speak MQTT."""
    name, groups = account["name"], sorted(set(account.get("groups", ())))
    may = "fleet" if account["may"] == "playbooks" else account["may"]
    return {
        "user": name,
        "password": nats_hash(account["password"], key, name),
        "allowed_connection_types": ["STANDARD" if groups else "MQTT"],
        "permissions": _permissions(*_MAY[may], groups),
    }


def _permissions(write: Sequence[str], read: Sequence[str], groups: Sequence[str] = ()) -> dict[str, Any]:
    readable = [subject for topic in read for subject in _subjects(topic)]
    queues = [f"{subject} {group}" for subject in readable for group in groups]
    # An empty list would allow everything.
    writable = {"allow": [_subject(topic) for topic in write]} if write else {"deny": [">"]}
    return {"publish": writable, "subscribe": {"allow": [*readable, *(queues or [_DELIVERY])]}}


def _subjects(topic: str) -> list[str]:
    """Return the subjects of an MQTT filter: in MQTT `a/#` means `a`, too."""
    subject = _subject(topic)
    return [subject.removesuffix(".>"), subject] if subject.endswith(".>") else [subject]


def _subject(topic: str) -> str:
    levels = (level.replace(".", "//").replace("+", "*").replace("#", ">") for level in topic.split("/"))
    return ".".join(levels)


class FilterModule:
    """The entry point for Ansible."""

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return the filters by their names."""
        return {"nats_accounts": nats_accounts, "nats_hash": nats_hash, "nats_secret": nats_secret}
