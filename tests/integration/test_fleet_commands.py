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
from process_figures import command_peak_mb
from retained_fleet import health, publish_all, publish_fleet

pytestmark = pytest.mark.broker
StartBroker = Callable[..., Mosquitto]
_GATE_S, _VIEW_S = 60.0, 20.0
"""Time limits of a gate over 1,000 nodes and of their table, also on a busy machine."""


def run_command(broker: Mosquitto, *arguments: str | Path) -> CommandResult:
    """Run a command with the settings of the broker."""
    return facenode(*arguments, settings={"mqtt.host": broker.host, "mqtt.port": broker.port})


def test_a_healthy_fleet_is_a_table_with_exit_0(mosquitto: StartBroker) -> None:
    """The table has a header, a line for each node and a count."""
    broker = mosquitto()
    publish_fleet(broker, 3)
    result = run_command(broker, "fleet")
    lines = result.out.splitlines()
    assert result.code == 0, result.out + result.err
    assert [line.split()[:2] for line in lines[1:4]] == [[f"pi-000{number}", "online"] for number in range(3)]
    assert lines[4] == "3 nodes, 0 with problems"


def test_problems_are_named_with_exit_1(mosquitto: StartBroker) -> None:
    """An offline node, an expiring certificate and a missing node are each named."""
    broker = mosquitto()
    publish_fleet(broker, 3)
    publish_all(
        broker, [("facenode/pi-0001/status", b"offline"), ("facenode/pi-0002/health", health(cert_days_left=3))]
    )
    result = run_command(broker, "fleet", "--json", "--nodes", "pi-0000,pi-0001,pi-0002,pi-9999")
    assert result.code == 1
    wrong = {node: fields["wrong"] for node, fields in json.loads(result.out).items()}
    assert wrong == {"pi-0000": [], "pi-0001": ["offline"], "pi-0002": ["certificate"], "pi-9999": ["offline"]}
    assert run_command(broker, "fleet", "--nodes", "pi-0002", "--accept", "certificate").code == 0


def test_an_empty_fleet_is_exit_1(mosquitto: StartBroker) -> None:
    """An empty fleet may mean that the access list denies everything, so it is a problem."""
    result = run_command(mosquitto(), "fleet")
    assert (result.code, result.out.splitlines()[-1]) == (1, "no nodes found at the broker")


@pytest.mark.parametrize("count", [300, 1000])
def test_a_large_fleet_is_shown_within_seconds(
    mosquitto: StartBroker, print_line: Callable[[str], None], count: int
) -> None:
    """Status and health of every node arrive over one connection."""
    broker = mosquitto("allow_anonymous true", "max_queued_messages 0")
    publish_fleet(broker, count)
    began_s = time.monotonic()
    result = run_command(broker, "fleet")
    took_s = time.monotonic() - began_s
    assert result.out.splitlines()[-1] == f"{count} nodes, 0 with problems"
    print_line(f"facenode fleet, {count} nodes: {took_s:.1f} s, of which 1 s waits for further messages")
    assert took_s < _VIEW_S


@pytest.mark.parametrize("count", [300, 1000])
def test_the_update_gate_receives_every_node_of_a_large_batch(
    mosquitto: StartBroker, tmp_path: Path, print_line: Callable[[str], None], count: int
) -> None:
    """Two live messages of each node are received and judged over one connection."""
    broker = mosquitto("allow_anonymous true", "max_queued_messages 0")
    publish_fleet(broker, count)
    nodes = [f"pi-{number:04}" for number in range(count)]
    before = tmp_path / "before.json"
    before.write_text(run_command(broker, "fleet", "--json").out)
    command = [
        sys.executable, "-m", "node.cli", "gate", "--nodes", ",".join(nodes), "--version", "0.2.0",
        "--model", "3f9a1c02", "--before", str(before), "--wait", str(_GATE_S),
    ]  # fmt: skip
    settings = {"mqtt.host": broker.host, "mqtt.port": broker.port}
    with subprocess.Popen(command, env=environment(settings), stdout=subprocess.PIPE, text=True) as gate:
        # Two from the fleet command before, two from the gate.
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


def test_the_update_gate_gives_a_reason_for_each_node(mosquitto: StartBroker) -> None:
    """Retained messages do not count: a node without live messages was not seen at its new version."""
    broker = mosquitto()
    publish_fleet(broker, 2)
    publish_all(broker, [("facenode/pi-0001/status", b"offline")])
    result = run_command(broker, "gate", "--nodes", "pi-0000,pi-0001", "--version", "0.1.0", "--wait", "2")
    assert result.code == 1
    assert json.loads(result.out) == {
        "pi-0000": "no live health message received; status is online",
        "pi-0001": "no live health message received; status is offline",
    }


def test_the_update_gate_refuses_an_invalid_before_file(mosquitto: StartBroker, tmp_path: Path) -> None:
    """With an invalid file the gate would judge every node as if it were new."""
    broken = tmp_path / "before.json"
    broken.write_text("[]")
    result = run_command(mosquitto(), "gate", "--nodes", "pi-0000", "--before", broken)
    assert result.code == 2
    assert "facenode fleet --json" in result.err


@pytest.mark.parametrize("people", [0, 300])
def test_forget_removes_all_retained_messages_of_a_node(mosquitto: StartBroker, people: int) -> None:
    """Discovery is published whole and then empty, then each retained topic is emptied; other nodes keep theirs.

    The discovery of 300 people has some 400 kB, more than other commands receive.
    """
    broker = mosquitto()
    publish_fleet(broker, 2)
    discovery = "homeassistant/device/facenode/pi-0000/config"
    payload = b"{" + b" " * 1300 * people + b"}"
    publish_all(broker, [(discovery, payload), ("facenode/pi-0000/state", b"{}")])
    with closing(Subscriber(broker.settings(), "facenode/#", "homeassistant/#")) as subscriber:
        assert eventually(lambda: len(subscriber.messages) == 6)
        result = run_command(broker, "forget", "pi-0000")
        assert (result.code, result.out) == (0, "pi-0000: removed 4 retained messages\n"), result.err
        assert eventually(lambda: len(subscriber.messages) == 11)
        taken = [(message.topic, message.payload) for message in subscriber.messages[6:]]
    assert taken[:2] == [(discovery, payload), (discovery, b"")]
    assert sorted(taken[2:]) == [(f"facenode/pi-0000/{name}", b"") for name in ("health", "state", "status")]
    with closing(Subscriber(broker.settings(), "facenode/#", "homeassistant/#", client_id="later")) as later:
        assert eventually(lambda: len(later.messages) == 2)
        assert {message.topic for message in later.messages} == {"facenode/pi-0001/status", "facenode/pi-0001/health"}


def test_forget_removes_whatever_somebody_left_in_a_nodes_name(mosquitto: StartBroker) -> None:
    """Whoever had its login can leave thousands of topics: they are removed in rounds, each with a bound in memory.

    Such a broker queues 1,000 messages for a subscriber, and drops the rest.
    """
    broker = mosquitto()
    publish_all(broker, [(f"facenode/pi-1/request/{index:04}{'x' * 2000}", b"1") for index in range(2500)])
    settings = {"mqtt.host": broker.host, "mqtt.port": broker.port}
    peak, printed = command_peak_mb(settings, "forget", "pi-1", seconds=60)
    assert printed == "pi-1: removed 2500 retained messages\n"
    quiet, printed = command_peak_mb(settings, "forget", "pi-1", seconds=60)
    assert printed == "pi-1: removed 0 retained messages\n"
    assert peak < quiet + 30


def test_forget_names_a_few_of_the_topics_that_remain(mosquitto: StartBroker, tmp_path: Path) -> None:
    """A login that may not write them is told so in a line that can be read."""
    access = tmp_path / "acl"
    access.write_text("topic read #\nuser owner\ntopic readwrite #\n")
    broker = mosquitto("allow_anonymous true", f"acl_file {access}")
    with closing(Subscriber(broker.settings(username="owner"), "none")) as owner:
        for index in range(100):
            owner.publish(f"facenode/pi-1/request/{index:03}", b"1", retain=True)
        assert eventually(lambda: owner.acknowledged == 100)
    settings = {"mqtt.host": broker.host, "mqtt.port": broker.port, "mqtt.protocol": "3.1.1"}
    result = facenode("forget", "pi-1", settings=settings)
    assert result.code == 1
    assert "request/003, facenode/pi-1/request/004 and 95 more: still retained: stop the node first" in result.err
