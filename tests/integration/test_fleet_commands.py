"""`facenode fleet`, `gate` and `forget` against a real broker."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from facenode_command import CommandResult, environment, facenode
from mosquitto_broker import Mosquitto, Subscriber, eventually
from retained_fleet import health, publish_all, publish_fleet

pytestmark = pytest.mark.broker
Start = Callable[..., Mosquitto]
_GATE_S, _VIEW_S = 60.0, 20.0
"""Within which a gate over 1,000 nodes and a view of them must have ended, also on a busy machine."""


def ask(broker: Mosquitto, *arguments: str | Path) -> CommandResult:
    """Run a command that asks the broker."""
    return facenode(*arguments, settings={"mqtt.host": broker.host, "mqtt.port": broker.port})


def test_a_fleet_that_is_well_is_a_table_and_exit_0(mosquitto: Start) -> None:
    """A line for each node under a head, and a count; nothing of a fleet that is well calls for attention."""
    broker = mosquitto()
    publish_fleet(broker, 3)
    result = ask(broker, "fleet")
    lines = result.out.splitlines()
    assert result.code == 0, result.out + result.err
    assert [line.split()[:2] for line in lines[1:4]] == [[f"pi-000{number}", "online"] for number in range(3)]
    assert lines[4] == "3 nodes, 0 not well"


def test_what_is_wrong_is_named_and_exit_1(mosquitto: Start) -> None:
    """A node that is off, one with an old certificate, and one that was asked for and is not there."""
    broker = mosquitto()
    publish_fleet(broker, 3)
    publish_all(
        broker, [("facenode/pi-0001/status", b"offline"), ("facenode/pi-0002/health", health(cert_days_left=3))]
    )
    result = ask(broker, "fleet", "--json", "--nodes", "pi-0000,pi-0001,pi-0002,pi-9999")
    assert result.code == 1
    wrong = {node: fields["wrong"] for node, fields in json.loads(result.out).items()}
    assert wrong == {"pi-0000": [], "pi-0001": ["offline"], "pi-0002": ["certificate"], "pi-9999": ["offline"]}
    assert ask(broker, "fleet", "--nodes", "pi-0002", "--accept", "certificate").code == 0


def test_a_broker_that_knows_of_no_node_is_exit_1(mosquitto: Start) -> None:
    """An empty fleet is what monitoring sees when the access list denies everything: that is not well."""
    result = ask(mosquitto(), "fleet")
    assert (result.code, result.out.splitlines()[-1]) == (1, "the broker knows of no node")


@pytest.mark.parametrize("count", [300, 1000])
def test_the_view_of_a_large_fleet_takes_seconds(
    mosquitto: Start, print_line: Callable[[str], None], count: int
) -> None:
    """Status and health of every node over one connection."""
    broker = mosquitto("allow_anonymous true", "max_queued_messages 0")
    publish_fleet(broker, count)
    began_s = time.monotonic()
    result = ask(broker, "fleet")
    took_s = time.monotonic() - began_s
    assert result.out.splitlines()[-1] == f"{count} nodes, 0 not well"
    print_line(f"facenode fleet, {count} nodes: {took_s:.1f} s, 1 s of which waits whether more comes")
    assert took_s < _VIEW_S


@pytest.mark.parametrize("count", [300, 1000])
def test_the_gate_of_a_large_batch_hears_every_node(
    mosquitto: Start, tmp_path: Path, print_line: Callable[[str], None], count: int
) -> None:
    """Two live messages of each node of a batch are heard and judged, over one connection."""
    broker = mosquitto("allow_anonymous true", "max_queued_messages 0")
    publish_fleet(broker, count)
    nodes = [f"pi-{number:04}" for number in range(count)]
    before = tmp_path / "before.json"
    before.write_text(ask(broker, "fleet", "--json").out)
    command = [
        sys.executable, "-m", "node.cli", "gate", "--nodes", ",".join(nodes), "--version", "0.2.0",
        "--model", "3f9a1c02", "--before", str(before), "--wait", str(_GATE_S),
    ]  # fmt: skip
    settings = {"mqtt.host": broker.host, "mqtt.port": broker.port}
    with subprocess.Popen(command, env=environment(settings), stdout=subprocess.PIPE, text=True) as gate:
        # Two of the view before, two of the gate.
        assert eventually(lambda: broker.log().count("Sending SUBACK to facenode-fleet-") == 4, _VIEW_S)
        began_s = time.monotonic()
        for uptime_s in (1, 31):
            publish_all(
                broker, [(f"facenode/{node}/health", health(version="0.2.0", uptime_s=uptime_s)) for node in nodes]
            )
        sent_s = time.monotonic() - began_s
        out, _ = gate.communicate(timeout=_GATE_S)
    took_s = time.monotonic() - began_s
    assert gate.returncode == 0, out
    assert json.loads(out) == dict.fromkeys(nodes, "")
    print_line(f"gate, {count} nodes: {took_s:.1f} s for two messages of each, which took {sent_s:.1f} s to send")


def test_the_gate_says_why(mosquitto: Start) -> None:
    """What is retained counts for nothing: a node that says nothing live was not seen at its new version."""
    broker = mosquitto()
    publish_fleet(broker, 2)
    publish_all(broker, [("facenode/pi-0001/status", b"offline")])
    result = ask(broker, "gate", "--nodes", "pi-0000,pi-0001", "--version", "0.1.0", "--wait", "2")
    assert result.code == 1
    assert json.loads(result.out) == {
        "pi-0000": "has said nothing; it is online",
        "pi-0001": "has said nothing; it is offline",
    }


def test_the_gate_refuses_a_file_that_is_no_view(mosquitto: Start, tmp_path: Path) -> None:
    """It would else judge as if every node were new."""
    broken = tmp_path / "before.json"
    broken.write_text("[]")
    result = ask(mosquitto(), "gate", "--nodes", "pi-0000", "--before", broken)
    assert result.code == 2
    assert "facenode fleet --json" in result.err


def test_nothing_is_left_of_a_node_that_is_forgotten(mosquitto: Start) -> None:
    """Discovery goes first, whole and then empty; then every retained topic; another node keeps its own."""
    broker = mosquitto()
    publish_fleet(broker, 2)
    discovery = "homeassistant/device/facenode/pi-0000/config"
    publish_all(broker, [(discovery, b"{}"), ("facenode/pi-0000/state", b"{}")])
    with closing(Subscriber(broker.settings(), "facenode/#", "homeassistant/#")) as subscriber:
        assert eventually(lambda: len(subscriber.messages) == 6)
        result = ask(broker, "forget", "pi-0000")
        assert (result.code, result.out) == (0, "pi-0000: 4 retained messages taken away\n"), result.err
        assert eventually(lambda: len(subscriber.messages) == 11)
        taken = [(message.topic, message.payload) for message in subscriber.messages[6:]]
    assert taken[:2] == [(discovery, b"{}"), (discovery, b"")]
    assert sorted(taken[2:]) == [(f"facenode/pi-0000/{name}", b"") for name in ("health", "state", "status")]
    with closing(Subscriber(broker.settings(), "facenode/#", "homeassistant/#", client_id="later")) as later:
        assert eventually(lambda: len(later.messages) == 2)
        assert {message.topic for message in later.messages} == {"facenode/pi-0001/status", "facenode/pi-0001/health"}
