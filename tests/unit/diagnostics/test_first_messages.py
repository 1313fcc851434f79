"""What a check publishes in the name of a node."""

import json
from pathlib import Path

from jsonschema import Draft202012Validator
from makers import PersonStub, instant

from node.contract import schema
from node.contract.topics import Topics
from node.diagnostics.first_messages import Announced, first_messages
from node.homeassistant.discovery import Device
from node.homeassistant.entity_keys import FILE, EntityKeys

TOPICS = Topics("pi-1")
DEVICE = Device("Hall", "", "0.1.0")
ADA = PersonStub("ada", "Ada")


def announced(folder: Path) -> Announced:
    """Return what a check announces of a node with one person."""
    return Announced(DEVICE, EntityKeys(folder, read_only=True), [ADA])


def test_they_are_those_of_a_node_that_has_stopped() -> None:
    """A check must not make anybody believe that a node runs, or that somebody is in view."""
    messages = first_messages(TOPICS, instant(0))
    assert [each.topic for each in messages.own] == [TOPICS.status, TOPICS.state, TOPICS.health]
    assert all(each.retain and each.qos == 1 for each in messages.own)
    status, state, health = (each.payload for each in messages.own)
    assert status == b"offline"
    assert json.loads(state)["count"] == 0
    for name, payload in (("state", state), ("health", health)):
        Draft202012Validator(schema(name)).validate(json.loads(payload))
    assert messages.discovery is None


def test_the_discovery_is_that_of_the_node(tmp_path: Path) -> None:
    """With the node's own keys it is the same to the byte, and as large."""
    EntityKeys(tmp_path).update([ADA])
    messages = first_messages(TOPICS, instant(0), announced(tmp_path))
    assert messages.discovery is not None
    assert b"Ada" in messages.discovery.payload
    assert messages.discovery.packet_bytes == messages.discovery_bytes


def test_people_without_keys_are_not_announced_but_counted(tmp_path: Path) -> None:
    """The node will choose other keys: Home Assistant would keep entities that nobody updates."""
    messages = first_messages(TOPICS, instant(0), announced(tmp_path))
    assert messages.discovery is not None
    assert b"Ada" not in messages.discovery.payload
    assert b'{"p":' not in messages.discovery.payload.replace(b'"p":"', b"")
    assert messages.discovery_bytes > messages.discovery.packet_bytes + 500
    assert not (tmp_path / FILE).exists()
