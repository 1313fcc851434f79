"""Messages of all nodes, remembered."""

import json

import pytest

from node.fleet.node_table import Census, Known, number
from node.mqtt.link import Received


def told(topic: str, payload: bytes, *, retained: bool = True) -> Received:
    """Return a message."""
    return Received(topic, payload, retained)


def test_the_latest_of_each_node_is_remembered() -> None:
    """Status and health of one node are told apart from another's, and the later replaces the earlier."""
    census = Census()
    census.take(told("facenode/hall/status", b"online"))
    census.take(told("facenode/yard/status", b"online"))
    census.take(told("facenode/yard/status", b"offline"))
    assert census.take(told("facenode/hall/health", json.dumps({"fps": 5}).encode())) == ("hall", {"fps": 5})
    assert census.nodes == {"hall": Known("online", {"fps": 5}), "yard": Known("offline")}


def test_what_is_no_health_of_a_node_changes_nothing_else() -> None:
    """A machine may send anything: what cannot be read leaves a node without health, and no exception."""
    census = Census()
    for topic, payload in (
        ("facenode/hall/health", b"\xff"),
        ("facenode/hall/health", b"[1]"),
        ("facenode/hall/health", b"[" * 100_000),
        ("facenode/hall/event/unknown", b"{}"),
        ("other/hall/health", b"{}"),
        ("facenode/gone/health", b""),
        ("facenode/gone/status", b""),
    ):
        assert census.take(told(topic, payload)) is None
    assert census.nodes == {"hall": Known()}


@pytest.mark.parametrize("value", [True, None, "5", [5], 10**400, float("nan"), float("-inf")])
def test_what_is_no_finite_number_is_none(value: object) -> None:
    """One node that sends a number beyond all bounds must not end the view of the whole fleet."""
    assert number({"fps": value}, "fps") is None
    assert number({}, "fps") is None
    assert number({"fps": 5}, "fps") == 5.0
