"""The template filters for NATS servers: who may log in how, and read and write what."""

import json
from typing import Any

import bcrypt
import pytest
from facenode_filters import rotated
from nats_filters import nats_accounts, nats_hash, nats_secret

ACCOUNTS: list[dict[str, Any]] = [
    {"name": "app.fleet", "may": "fleet", "password": "a long password"},
    {"name": "app.playbooks", "may": "playbooks", "password": "a long password"},
    {"name": "app.home", "may": "homeassistant", "password": "a long password"},
    {"name": "app.alerts", "may": "security", "password": "a long password"},
    {"name": "app.alarm", "may": "security", "groups": ["b", "a"], "password": "a long password"},
]


def users(**given: Any) -> dict[str, dict[str, Any]]:  # noqa: ANN401 - any argument of the filter
    """Return the users of the fleet's account by name."""
    accounts = json.loads(nats_accounts(ACCOUNTS, "key", **given))
    return {user["user"]: user for user in accounts["FLEET"]["users"]}


def test_a_node_logs_in_by_its_certificate_and_uses_only_its_own_topics() -> None:
    """Its user is the subject of the certificate; in MQTT `a/#` means `a`, too. It reads its own discovery."""
    node = users(nodes=["hall"])["CN=hall"]
    assert "password" not in node
    assert node["allowed_connection_types"] == ["MQTT"]
    assert node["permissions"] == {
        "publish": {"allow": ["facenode.hall.>", "homeassistant.device.facenode.hall.config"]},
        "subscribe": {
            "allow": [
                "facenode.hall",
                "facenode.hall.>",
                "homeassistant.device.facenode.hall.config",
                "homeassistant.status",
                "$MQTT.sub.>",
            ]
        },
    }


def test_a_retired_node_stays_listed_and_cannot_log_in() -> None:
    """The server would remove the retained messages of a user that it does not know."""
    found = users(nodes=["hall", "yard"], retired=["yard", "gone"])
    assert {name for name, user in found.items() if name.startswith("CN=") and "password" not in user} == {"CN=hall"}
    assert found["CN=yard"]["permissions"]["publish"]["allow"][0] == "facenode.yard.>"
    assert len(found["CN=gone"]["password"]) == 64


def test_where_passwords_log_in_no_user_is_without_one() -> None:
    """A node's user without a password would let in whoever says its name; users of the host itself are not there."""
    found = users()
    assert found.keys() == {account["name"] for account in ACCOUNTS}
    assert all(user["password"].startswith("$2a$") for user in found.values())
    assert json.loads(nats_accounts(ACCOUNTS, "key"))["SYS"]["users"] == []


@pytest.mark.parametrize(
    ("name", "publish", "subscribe"),
    [
        (
            "app.fleet",
            {"allow": ["facenode.>", "homeassistant.device.facenode.>"]},
            ["facenode", "facenode.>", "homeassistant.device.facenode", "homeassistant.device.facenode.>"],
        ),
        (
            "app.home",
            {"allow": ["facenode.*.request.>", "homeassistant.>"]},
            ["facenode", "facenode.>", "homeassistant", "homeassistant.>"],
        ),
        (
            "app.alerts",
            {"deny": [">"]},  # an empty list of what is allowed would allow everything
            [
                "facenode.*.alert", "facenode.*.alert.>", "facenode.*.late.alert", "facenode.*.late.alert.>",
                "facenode.*.status",
            ],
        ),
    ],
)  # fmt: skip
def test_an_account_has_the_rights_of_its_kind(name: str, publish: dict[str, list[str]], subscribe: list[str]) -> None:
    """They are those of mosquitto's access list, in subjects of NATS."""
    permissions = users()[name]["permissions"]
    assert permissions == {"publish": publish, "subscribe": {"allow": [*subscribe, "$MQTT.sub.>"]}}
    assert users()["app.playbooks"]["permissions"] == users()["app.fleet"]["permissions"]


def test_an_account_with_groups_speaks_the_nats_protocol_and_joins_no_other_group() -> None:
    """There it must not read where the server delivers MQTT messages: those of all clients are there."""
    alarm = users()["app.alarm"]
    assert alarm["allowed_connection_types"] == ["STANDARD"]
    allowed = alarm["permissions"]["subscribe"]["allow"]
    assert {"facenode.*.alert.>", "facenode.*.alert.> a", "facenode.*.alert.> b"} < set(allowed)
    assert not [subject for subject in allowed if "MQTT" in subject]


def test_the_hash_is_bcrypt_and_the_same_at_every_run() -> None:
    """It depends on password, account and key only."""
    first = nats_hash("secret", "key", "app.one")
    assert first.startswith("$2a$05$")
    assert bcrypt.checkpw(b"secret", first.encode())
    assert first == nats_hash("secret", "key", "app.one")
    assert len({first, nats_hash("secret", "key", "app.two"), nats_hash("secret", "yek", "app.one")}) == 3


def test_each_purpose_has_a_secret_of_its_own() -> None:
    """Whoever learns one learns no other."""
    assert len({nats_secret("key", "cluster"), nats_secret("key", "streams"), nats_secret("yek", "cluster")}) == 3


def test_nodes_prefer_different_brokers() -> None:
    """Each list begins with the next one, and has them all; one broker stays one."""
    assert [rotated("a, b:1,c", number) for number in range(4)] == ["a,b:1,c", "b:1,c,a", "c,a,b:1", "a,b:1,c"]
    assert rotated("hub.lan", 7) == "hub.lan"
