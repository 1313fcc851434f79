"""The latest status and health of each node."""

import json

import pytest

from node.fleet.node_table import NodeRecord, NodeTable, number
from node.mqtt.link import Received


def retained(topic: str, payload: bytes) -> Received:
    """Return a retained message."""
    return Received(topic, payload, retained=True)


def test_the_table_keeps_the_latest_of_each_node() -> None:
    """Status and health of one node do not mix with another's, and the later replaces the earlier."""
    node_table = NodeTable()
    node_table.update(retained("facenode/hall/status", b"online"))
    node_table.update(retained("facenode/yard/status", b"online"))
    node_table.update(retained("facenode/yard/status", b"offline"))
    health = retained("facenode/hall/health", json.dumps({"fps": 5}).encode())
    assert node_table.update(health) == ("hall", {"fps": 5})
    assert node_table.nodes == {"hall": NodeRecord("online", {"fps": 5}), "yard": NodeRecord("offline")}


def test_an_invalid_message_changes_nothing_else() -> None:
    """Any client may publish anything: a node with unreadable health has no health, and nothing is raised."""
    node_table = NodeTable()
    for topic, payload in (
        ("facenode/hall/health", b"\xff"),
        ("facenode/hall/health", b"[1]"),
        ("facenode/hall/health", b"[" * 100_000),
        ("facenode/hall/event/unknown", b"{}"),
        ("other/hall/health", b"{}"),
        ("facenode/gone/health", b""),
        ("facenode/gone/status", b""),
    ):
        assert node_table.update(retained(topic, payload)) is None
    assert node_table.nodes == {"hall": NodeRecord()}


@pytest.mark.parametrize("value", [True, None, "5", [5], 10**400, float("nan"), float("-inf")])
def test_a_field_that_is_no_finite_number_is_none(value: object) -> None:
    """One node with a number out of range must not break the view of the whole fleet."""
    assert number({"fps": value}, "fps") is None
    assert number({}, "fps") is None
    assert number({"fps": 5}, "fps") == 5.0


def test_a_health_or_status_that_no_node_would_send_takes_no_memory() -> None:
    """Whoever may publish could send 64 kB for each of many nodes."""
    node_table = NodeTable()
    assert node_table.update(retained("facenode/a/health", b'{"x":"' + b"x" * 5000 + b'"}')) is None
    node_table.update(retained("facenode/a/status", b"x" * 60_000))
    assert node_table.nodes["a"].health is None
    assert len(node_table.nodes["a"].status or "") == 64
