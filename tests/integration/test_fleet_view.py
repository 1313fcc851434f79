"""`facenode fleet`, `gate` and `forget` against a real broker."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from facenode import Outcome, environment, facenode
from realbroker import Mosquitto, Subscriber, eventually
from tinyfleet import health, populate, tell

pytestmark = pytest.mark.broker
Start = Callable[..., Mosquitto]
_GATE_S, _VIEW_S = 60.0, 20.0
"""Within which a gate over 1,000 nodes and a view of them must have ended, also on a busy machine."""


def ask(broker: Mosquitto, *arguments: str | Path) -> Outcome:
    """Run a command that asks the broker."""
    return facenode(*arguments, settings={"mqtt.host": broker.host, "mqtt.port": broker.port})


def test_a_fleet_that_is_well_is_a_table_and_exit_0(mosquitto: Start) -> None:
    """A line for each node under a head, and a count; nothing of a fleet that is well calls for attention."""
    broker = mosquitto()
    populate(broker, 3)
    outcome = ask(broker, "fleet")
    lines = outcome.out.splitlines()
    assert outcome.code == 0, outcome.out + outcome.err
    assert [line.split()[:2] for line in lines[1:4]] == [[f"pi-000{number}", "online"] for number in range(3)]
    assert lines[4] == "3 nodes, 0 with problems"


def test_what_is_wrong_is_named_and_exit_1(mosquitto: Start) -> None:
    """A node that is off, one with an old certificate, and one that was asked for and is not there."""
    broker = mosquitto()
    populate(broker, 3)
    tell(broker, [("facenode/pi-0001/status", b"offline"), ("facenode/pi-0002/health", health(cert_days_left=3))])
    outcome = ask(broker, "fleet", "--json", "--nodes", "pi-0000,pi-0001,pi-0002,pi-9999")
    assert outcome.code == 1
    wrong = {node: fields["wrong"] for node, fields in json.loads(outcome.out).items()}
    assert wrong == {"pi-0000": [], "pi-0001": ["offline"], "pi-0002": ["certificate"], "pi-9999": ["offline"]}
    assert ask(broker, "fleet", "--nodes", "pi-0002", "--accept", "certificate").code == 0


def test_a_broker_that_knows_of_no_node_is_exit_1(mosquitto: Start) -> None:
    """An empty fleet is what monitoring sees when the access list denies everything: that is not well."""
    outcome = ask(mosquitto(), "fleet")
    assert (outcome.code, outcome.out.splitlines()[-1]) == (1, "no nodes found at the broker")


@pytest.mark.parametrize("count", [300, 1000])
def test_the_view_of_a_large_fleet_takes_seconds(mosquitto: Start, say: Callable[[str], None], count: int) -> None:
    """Status and health of every node over one connection."""
    broker = mosquitto("allow_anonymous true", "max_queued_messages 0")
    populate(broker, count)
    began_s = time.monotonic()
    outcome = ask(broker, "fleet")
    took_s = time.monotonic() - began_s
    assert outcome.out.splitlines()[-1] == f"{count} nodes, 0 with problems"
    say(f"facenode fleet, {count} nodes: {took_s:.1f} s, 1 s of which waits whether more comes")
    assert took_s < _VIEW_S


@pytest.mark.parametrize("count", [300, 1000])
def test_the_gate_of_a_large_batch_hears_every_node(
    mosquitto: Start, tmp_path: Path, say: Callable[[str], None], count: int
) -> None:
    """Two live messages of each node of a batch are heard and judged, over one connection."""
    broker = mosquitto("allow_anonymous true", "max_queued_messages 0")
    populate(broker, count)
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
            tell(broker, [(f"facenode/{node}/health", health(version="0.2.0", uptime_s=uptime_s)) for node in nodes])
        told_s = time.monotonic() - began_s
        out, _ = gate.communicate(timeout=_GATE_S)
    took_s = time.monotonic() - began_s
    assert gate.returncode == 0, out
    assert json.loads(out) == dict.fromkeys(nodes, "")
    say(f"gate, {count} nodes: {took_s:.1f} s for two messages of each, which took {told_s:.1f} s to send")


def test_the_gate_says_why(mosquitto: Start) -> None:
    """What is retained counts for nothing: a node that says nothing live was not seen at its new version."""
    broker = mosquitto()
    populate(broker, 2)
    tell(broker, [("facenode/pi-0001/status", b"offline")])
    outcome = ask(broker, "gate", "--nodes", "pi-0000,pi-0001", "--version", "0.1.0", "--wait", "2")
    assert outcome.code == 1
    assert json.loads(outcome.out) == {
        "pi-0000": "no live health message received; status is online",
        "pi-0001": "no live health message received; status is offline",
    }


def test_the_gate_refuses_a_file_that_is_no_view(mosquitto: Start, tmp_path: Path) -> None:
    """It would else judge as if every node were new."""
    broken = tmp_path / "before.json"
    broken.write_text("[]")
    outcome = ask(mosquitto(), "gate", "--nodes", "pi-0000", "--before", broken)
    assert outcome.code == 2
    assert "facenode fleet --json" in outcome.err


def test_nothing_is_left_of_a_node_that_is_forgotten(mosquitto: Start) -> None:
    """Discovery goes first, whole and then empty; then every retained topic; another node keeps its own."""
    broker = mosquitto()
    populate(broker, 2)
    discovery = "homeassistant/device/facenode/pi-0000/config"
    tell(broker, [(discovery, b"{}"), ("facenode/pi-0000/state", b"{}")])
    with closing(Subscriber(broker.settings(), "facenode/#", "homeassistant/#")) as subscriber:
        assert eventually(lambda: len(subscriber.messages) == 6)
        outcome = ask(broker, "forget", "pi-0000")
        assert (outcome.code, outcome.out) == (0, "pi-0000: removed 4 retained messages\n"), outcome.err
        assert eventually(lambda: len(subscriber.messages) == 11)
        taken = [(message.topic, message.payload) for message in subscriber.messages[6:]]
    assert taken[:2] == [(discovery, b"{}"), (discovery, b"")]
    assert sorted(taken[2:]) == [(f"facenode/pi-0000/{name}", b"") for name in ("health", "state", "status")]
    with closing(Subscriber(broker.settings(), "facenode/#", "homeassistant/#", client_id="later")) as later:
        assert eventually(lambda: len(later.messages) == 2)
        assert {message.topic for message in later.messages} == {"facenode/pi-0001/status", "facenode/pi-0001/health"}
