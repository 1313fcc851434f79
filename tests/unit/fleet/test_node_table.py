"""The latest status and health of each node."""

import json
import tracemalloc

import pytest

from node.errors import BrokerError
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
    assert node_table == {"hall": NodeRecord("online", {"fps": 5}), "yard": NodeRecord("offline")}


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
        ("facenode/" + "x" * 65 + "/status", b"online"),
    ):
        assert node_table.update(retained(topic, payload)) is None
    assert node_table == {"hall": NodeRecord()}


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
    assert node_table["a"].health is None
    assert len(node_table["a"].status or "") == 64


def test_a_thousand_invented_nodes_take_less_than_3_mb() -> None:
    """A health of 2 kB takes fifty times that once it is parsed, so each is parsed only when it is asked for."""
    node_table = NodeTable()
    tracemalloc.start()
    for index in range(1000):
        health = b'{"a": [' + b"[]," * 670 + b"%d]}" % index
        node_table.update(retained(f"facenode/{index}/health", health))
    assert all(record.health for record in node_table.values())
    peak_mb = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    assert peak_mb < 3


def test_more_than_ten_thousand_nodes_are_an_error() -> None:
    """Somebody may have invented them, and a view without some of the nodes would hide their problems."""
    node_table = NodeTable()
    for index in range(10_000):
        node_table.update(retained(f"facenode/{index}/status", b"online"))
    with pytest.raises(BrokerError, match=r"more than 10,000 nodes .* name yours with --nodes"):
        node_table.update(retained("facenode/one-more/status", b"online"))


def test_only_named_nodes_are_kept() -> None:
    """One that the broker does not know has an empty record; what others send takes no memory."""
    node_table = NodeTable(["yard", "hall"])
    assert node_table.update(retained("facenode/other/health", b"{}")) is None
    assert node_table.update(retained("facenode/hall/health", b"{}")) == ("hall", {})
    assert list(node_table.items()) == [("hall", NodeRecord(None, {})), ("yard", NodeRecord())]
