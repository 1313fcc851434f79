"""The template filters: inventory values as TOML settings and mosquitto password hashes."""

import json
import tomllib
from typing import Any

import pytest
from facenode_filters import mosquitto_groups, mosquitto_hash, to_toml


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"node": {"id": "hall", "name": 'Zoë "Z" \\ Müller\n\x7f'}},
        {"mqtt": {"port": 8883, "tls": {"enabled": True, "ca_file": "/etc/x"}}, "camera": {"fps": 7.5}},
        {"alerts": {"rules": [{"id": "a", "between": ["22:00", "06:00"]}, {"id": "b", "people": []}]}},
        {"events": {"gates": {"min_face_px": 40}}},
        {"camera": {"source": "picamera", "hflip": True, "crop": [0.25, 0, 0.5, 1]}},
        {"a b": {"c.d": 1}},
    ],
)
def test_settings_survive_a_round_trip_through_toml(settings: dict[str, Any]) -> None:
    """Python's TOML parser reads back the values of the inventory."""
    assert tomllib.loads(to_toml(settings)) == settings


def test_the_hash_has_the_format_of_mosquitto() -> None:
    """It is `$7$`, rounds, a 12-byte salt and a 64-byte digest; it depends on password, account and key only."""
    first = mosquitto_hash("secret", "key", "app.one")
    kind, rounds, salt, digest = first.split("$")[1:]
    assert (kind, rounds, len(salt), len(digest)) == ("7", "101", 16, 88)
    assert first == mosquitto_hash("secret", "key", "app.one")
    assert len({first, mosquitto_hash("secret", "key", "app.two"), mosquitto_hash("secret", "yek", "app.one")}) == 3


def test_every_name_is_refused_all_groups_but_its_own() -> None:
    """A name that the plugin does not know could join any group: every account and every certificate is listed."""
    accounts: list[dict[str, Any]] = [{"name": "app.one", "groups": ["b", "a"]}, {"name": "app.two"}]
    content = json.loads(mosquitto_groups(accounts, ["node-1", "broker.hub"]))
    roles = {role["rolename"]: [(acl["topic"], acl["allow"]) for acl in role["acls"]] for role in content["roles"]}
    assert roles == {
        "none": [("$share/#", False)],
        "group.a": [("$share/a/#", True)],
        "group.b": [("$share/b/#", True)],
    }
    ranks = {
        each["username"]: {role["rolename"]: role["priority"] for role in each["roles"]} for each in content["clients"]
    }
    assert ranks == {
        "app.one": {"none": 0, "group.a": 1, "group.b": 1},
        "app.two": {"none": 0},
        "broker.hub": {"none": 0},
        "node-1": {"none": 0},
    }
    assert not any(content["defaultACLAccess"].values())
    assert "password" not in json.dumps(content)
