"""Nodes at a cluster of three NATS servers: what goes on when one of them dies, is restarted or has a full disk."""

import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from delivery_count import DeliveryCount, EventRecorder, count_deliveries
from facenode_command import ROOT, environment, facenode
from mosquitto_broker import Subscriber, eventually
from nats_cluster import NatsCluster
from nats_root import nats_root
from ordered_brokers import OrderedBrokers
from publisher_process import PublisherProcess
from retained_fleet import health

from node.contract.message import Message
from node.errors import BrokerError
from node.mqtt.connect import connect
from node.mqtt.link import Acknowledged, Client, Received, Report, Subscribed

pytestmark = pytest.mark.timeout(900)

EVENTS, RATE = 2000, 100
NODES = [int(each) for each in os.environ.get("FACENODE_SIMULATED_NODES", "300").split(",")]
DISK_MB = 64
REFUSED = 0x80
PrintLine = Callable[[str], None]


@pytest.fixture(scope="module")
def running_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsCluster]:
    """Return a cluster; a test that stops servers uses `cluster` instead."""
    with NatsCluster(nats_root(), tmp_path_factory.mktemp("nats")) as made:
        yield made


@pytest.fixture
def cluster(running_cluster: NatsCluster) -> Iterator[NatsCluster]:
    """Return a cluster whose stopped servers are started again after the test, and which then forgets its node."""
    yield running_cluster
    running_cluster.restart_all_that_are_down()
    facenode("forget", "pi-1", settings={"mqtt.host": running_cluster.hosts()}, timeout_s=120)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[tuple[NatsCluster, Path]]:
    """Return a cluster whose first server has a disk of 64 MB of its own, and the folder of that disk."""
    made = NatsCluster(nats_root(), tmp_path)
    disk = made.servers[0].store
    subprocess.run(("mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", disk), check=True)
    try:
        with made:
            yield made, disk
    finally:
        subprocess.run(("umount", disk), check=True)
        made.close()


class Delivery:
    """A node that publishes events at the first server, and a durable subscriber at the second."""

    def __init__(self, cluster: NatsCluster, folder: Path) -> None:
        self._journal = folder / "journal"
        # A clean start ends the session of an earlier test.
        connect(cluster.settings(protocol="3.1.1"), Client("recorder"), lambda _report: None).close()
        self.recorder = EventRecorder(OrderedBrokers(cluster, 1, 2, 0), keep_s=600, protocol="3.1.1")
        assert self.recorder.wait_subscribed(30)
        options = ("--count", str(EVENTS), "--rate", str(RATE), "--ack-s", "10")
        self.node = PublisherProcess(folder, cluster.hosts(0, 1, 2), 1883, *options)

    def wait_for(self, count: int) -> None:
        """Wait until as many events have arrived."""
        assert eventually(lambda: len(self.recorder.events) >= count, 120), self.node.log()

    def finish(self) -> DeliveryCount:
        """Wait until everything has arrived, and count it."""
        assert eventually(lambda: self.node.drained, 240), self.node.log()
        eventually(lambda: self.count().lost == 0, 60)
        return self.count()

    def count(self) -> DeliveryCount:
        """Count what has arrived so far."""
        return count_deliveries(self._journal, self.recorder.events)


@contextmanager
def delivery(cluster: NatsCluster, folder: Path) -> Iterator[Delivery]:
    """Run a node and a subscriber for as long as the context lasts."""
    made = Delivery(cluster, folder)
    try:
        yield made
    finally:
        made.node.kill()
        made.recorder.close()


def test_check_passes(cluster: NatsCluster) -> None:
    """A node falls back to MQTT 3.1.1 by itself, and its message comes back."""
    result = facenode("check", settings={"mqtt.host": cluster.hosts(0), "node.id": "hall"})
    lines = [line for line in result.out.splitlines() if " broker: " in line]
    assert lines
    assert all(line.startswith("ok") for line in lines), result.out
    assert "MQTT 3.1.1" in result.out


@pytest.mark.parametrize("killed", [0, 1, 2], ids=["the node's", "the subscriber's", "the third"])
def test_killing_one_server_loses_no_event(
    cluster: NatsCluster, tmp_path: Path, print_line: PrintLine, killed: int
) -> None:
    """In the middle of 2,000 events, the node and the subscriber go on at another server, with the same session."""
    with delivery(cluster, tmp_path) as running:
        running.wait_for(EVENTS // 3)
        cluster.servers[killed].kill()
        delivered = running.finish()
    print_line(f"server {killed + 1} of 3 killed: {delivered}")
    assert (delivered.sent, delivered.lost, delivered.unexpected, delivered.gaps) == (EVENTS, 0, 0, 0)


def test_a_rolling_restart_loses_no_event(cluster: NatsCluster, tmp_path: Path, print_line: PrintLine) -> None:
    """Each server is restarted, and the next one only once the last says that it is up to date."""
    with delivery(cluster, tmp_path) as running:
        running.wait_for(EVENTS // 10)
        ready = []
        for server in cluster.servers:
            server.stop()
            server.start()
            ready.append(f"{cluster.wait_ready():.1f} s")
        assert not running.node.drained, "the restarts came too late to show anything"
        delivered = running.finish()
    print_line(f"rolling restart, each server up to date after {', '.join(ready)}: {delivered}")
    assert (delivered.sent, delivered.lost, delivered.unexpected, delivered.gaps) == (EVENTS, 0, 0, 0)


def test_all_servers_killed_at_once_lose_no_event(cluster: NatsCluster, tmp_path: Path, print_line: PrintLine) -> None:
    """As by a power cut: the servers come back with what they have acknowledged."""
    with delivery(cluster, tmp_path) as running:
        running.wait_for(EVENTS // 3)
        for server in cluster.servers:
            server.kill()
        cluster.restart_all_that_are_down()
        delivered = running.finish()
    print_line(f"all servers killed and started again: {delivered}")
    assert (delivered.sent, delivered.lost, delivered.unexpected, delivered.gaps) == (EVENTS, 0, 0, 0)


def test_a_full_disk_at_one_server_loses_no_event(
    small_disk: tuple[NatsCluster, Path], tmp_path: Path, print_line: PrintLine
) -> None:
    """The node's own server runs out of space amid the events; the others keep and deliver everything."""
    cluster, disk = small_disk
    folder = tmp_path / "node"
    folder.mkdir()
    with delivery(cluster, folder) as running:
        running.wait_for(EVENTS // 3)
        with (disk / "filling").open("wb") as filling:
            try:
                while True:
                    filling.write(bytes(1 << 16))
                    filling.flush()
            except OSError:
                full_at = len(running.recorder.events)
        delivered = running.finish()
        words = ("no space", "out of resources", "disabled")
        says = [line for line in cluster.servers[0].log().splitlines() if any(word in line.lower() for word in words)]
        print_line(f"disk of server 1 full after {full_at} events: {delivered}")
        print_line(f"  {says[0] if says else 'it says nothing of its disk'}")
        assert (delivered.sent, delivered.lost, delivered.unexpected, delivered.gaps) == (EVENTS, 0, 0, 0)
        (disk / "filling").unlink()
        cluster.servers[0].stop()
        cluster.servers[0].start()
        print_line(f"space again and a restart: up to date after {cluster.wait_ready():.1f} s")


def test_retained_messages_are_found_at_every_server(cluster: NatsCluster) -> None:
    """By their exact topic and by filters, whichever server received them."""
    with closing(Subscriber(cluster.settings(0), "mark", client_id="publisher")) as publisher:
        for number in range(20):
            publisher.publish(f"facenode/pi-{number:04}/status", b"online", retain=True)
        assert eventually(lambda: publisher.acknowledged == 20, 20)
        for server in range(3):
            for wanted, count in (("facenode/pi-0007/status", 1), ("facenode/+/status", 20), ("#", 20)):
                assert len(ask(cluster, server, wanted, count).retained) == count, (server, wanted)
        for number in range(20):
            publisher.publish(f"facenode/pi-{number:04}/status", b"", retain=True)
        assert eventually(lambda: publisher.acknowledged == 40, 20)
    assert [ask(cluster, server, "facenode/+/status").retained for server in range(3)] == [[], [], []]


def test_while_a_server_is_dead_some_subscriptions_are_refused_and_some_messages_are_old(
    cluster: NatsCluster, print_line: PrintLine
) -> None:
    """As docs/brokers.md says: the next try is granted, and the latest message is found once the dead one is back."""
    topic, tries = "facenode/pi-0001/status", 15
    retain(cluster, topic, b"online")
    assert [ask(cluster, server, topic, 1).retained for server in range(3)] == [[b"online"]] * 3
    cluster.servers[0].kill()
    killed_s = time.monotonic()
    retain(cluster, topic, b"offline")
    answers = {server: [ask(cluster, server, topic, 1) for _ in range(tries)] for server in (1, 2)}

    def both_have_the_latest() -> bool:
        return [ask(cluster, each, topic, 1).retained for each in (1, 2)] == [[b"offline"]] * 2

    while_dead = eventually(both_have_the_latest, 120)
    cluster.restart_all_that_are_down()
    assert eventually(both_have_the_latest, 300)
    latest_s = time.monotonic() - killed_s
    retain(cluster, topic, b"")
    flat = [answer for each in answers.values() for answer in each]
    refused = sum(answer.refused for answer in flat)
    old = sum(answer.retained == [b"online"] for answer in flat)
    when = "while it was dead" if while_dead else "once it was back"
    print_line(
        f"one of three servers dead: of {len(flat)} new subscriptions {refused} were refused or not answered, and "
        f"{old} received an old message; both servers had the latest one {when}, {latest_s:.0f} s after the kill"
    )
    assert refused < len(flat)
    assert {value for answer in flat for value in answer.retained} <= {b"online", b"offline"}


def test_fleet_gate_and_forget_see_every_node(cluster: NatsCluster, tmp_path: Path, print_line: PrintLine) -> None:
    """At another server than the nodes', and with one server dead; `forget` once that is back."""
    names = [f"pi-{number:04}" for number in range(10)]
    with closing(Subscriber(cluster.settings(0), "mark", client_id="nodes")) as nodes:
        for name in names:
            nodes.publish(f"facenode/{name}/status", b"online", retain=True)
            nodes.publish(f"facenode/{name}/health", health(), retain=True)
        assert eventually(lambda: nodes.acknowledged == 2 * len(names), 30)
    settings = {"mqtt.host": cluster.hosts(2, 1, 0)}
    before_the_kill = facenode("fleet", settings=settings)
    assert (before_the_kill.code, before_the_kill.out.splitlines()[-1]) == (0, "10 nodes, 0 with problems")
    cluster.servers[0].kill()
    fleet = facenode("fleet", settings=settings, timeout_s=120)
    assert (fleet.code, fleet.out.splitlines()[-1]) == (0, "10 nodes, 0 with problems"), fleet.out + fleet.err
    before = tmp_path / "before.json"
    before.write_text(facenode("fleet", "--json", settings=settings, timeout_s=120).out)
    command = [
        sys.executable, "-m", "node.cli", "gate", "--nodes", ",".join(names), "--version", "0.2.0",
        "--before", str(before), "--wait", "60",
    ]  # fmt: skip
    with (
        closing(Subscriber(cluster.settings(1), "mark", client_id="nodes")) as nodes,
        subprocess.Popen(command, cwd=ROOT, env=environment(settings), stdout=subprocess.PIPE, text=True) as gate,
    ):
        for uptime_s in range(1, 90):
            for name in names:
                nodes.publish(f"facenode/{name}/health", health(version="0.2.0", uptime_s=uptime_s), retain=True)
            if eventually(lambda: gate.poll() is not None, 1):
                break
        out, _ = gate.communicate(timeout=30)
    assert (gate.returncode, json.loads(out)) == (0, dict.fromkeys(names, ""))
    # Before, a server may not learn that a message is removed, and `forget` says so.
    cluster.restart_all_that_are_down()
    for name in names:
        forgotten = facenode("forget", name, settings=settings, timeout_s=180)
        assert forgotten.out.strip() == f"{name}: removed 2 retained messages", forgotten.err
    empty = facenode("fleet", settings=settings, timeout_s=120)
    assert (empty.code, empty.out.splitlines()[-1]) == (1, "no nodes found at the broker")
    print_line("fleet and gate at server 3, the nodes at server 1 until it was killed, then forget: 10 of 10 nodes")


def test_simulate_refuses_where_simulated_nodes_of_somebody_else_are(cluster: NatsCluster) -> None:
    """At another server than theirs, too; `--clean` removes what they have left."""
    with closing(Subscriber(cluster.settings(0), "mark", client_id="nodes")) as nodes:
        nodes.publish("facenode/sim-00000/status", b"online", retain=True)
        assert eventually(lambda: nodes.acknowledged == 1, 30)
    settings = {"mqtt.host": cluster.hosts(2)}
    refused = facenode("simulate", "--nodes", "1", "--duration", "1", settings=settings, timeout_s=120)
    assert (refused.code, "sim-00000" in refused.err) == (1, True), refused.out + refused.err
    cleaned = facenode("simulate", "--clean", settings=settings, timeout_s=120)
    assert cleaned.code == 0, cleaned.err
    assert ask(cluster, 1, "facenode/sim-00000/#").retained == []


def test_a_shared_subscription_is_granted_but_gets_no_messages(cluster: NatsCluster) -> None:
    """Consumers share work over the NATS protocol instead."""
    reports: list[Report] = []
    with closing(connect(cluster.settings(), Client("client"), reports.append)) as link:
        for wanted in ("$share/alerts/facenode/+/alert/#", "mark"):
            link.subscribe(wanted)
        assert eventually(lambda: [each.code for each in reports if isinstance(each, Subscribed)] == [1, 1], 20)
        with closing(Subscriber(cluster.settings(), "else", client_id="sender")) as sender:
            for topic in ("facenode/hall/alert/stranger", "mark"):
                sender.publish(topic, b"{}")
        assert eventually(lambda: any(isinstance(each, Received) for each in reports), 20)
    assert [each.topic for each in reports if isinstance(each, Received)] == ["mark"]


@pytest.mark.timeout(2400)
@pytest.mark.parametrize("nodes", NODES)
def test_a_simulation_with_a_storm_loses_no_event(cluster: NatsCluster, print_line: PrintLine, nodes: int) -> None:
    """300 nodes publish, all lose the broker at once, and all are back."""
    options = ("--nodes", str(nodes), "--duration", "40", "--rate", "360", "--connect-rate", "50")
    settings = {"mqtt.host": cluster.hosts(0, 1, 2)}
    result = facenode("simulate", *options, "--storm", settings=settings, timeout_s=600 + 3 * nodes)
    print_line(result.out)
    left = sum(stream["state"]["consumer_count"] for stream in cluster.streams(0))
    print_line(f"subscriptions of the nodes that the servers keep after all have left: {left}")
    assert result.code == 0, result.out + result.err


def test_many_nodes_fail_over_to_the_next_server(cluster: NatsCluster, print_line: PrintLine) -> None:
    """The server that all simulated nodes use is killed, and no event is lost."""
    result = facenode(
        "simulate", "--nodes", "200", "--duration", "30", "--rate", "720", "--connect-rate", "50",
        "--storm-command", f"kill -KILL {cluster.servers[0].pid}",
        settings={"mqtt.host": cluster.hosts(0, 1, 2)}, timeout_s=500,
    )  # fmt: skip
    print_line(result.out)
    assert result.code == 0, result.out + result.err
    assert re.search(r"^lost +0$", result.out, re.MULTILINE)
    assert re.search(r"^storm +(19\d|200) nodes cut off; .* all after", result.out, re.MULTILINE)


class Answer(NamedTuple):
    """What a server answers to a new subscriber.

    Attributes:
        refused: whether it refuses the connection or the subscription.
        retained: the payloads of the retained messages that it sends.
    """

    refused: bool
    retained: list[bytes]


def retain(cluster: NatsCluster, topic: str, payload: bytes) -> None:
    """Retain a message at the second or third server; connect again if it is not acknowledged, as a node does."""

    def acknowledged() -> bool:
        reports: list[Report] = []
        try:
            with closing(connect(cluster.settings(1, 2, protocol="3.1.1"), Client("retainer"), reports.append)) as link:
                link.publish(Message(topic, payload, retain=True))
                return eventually(lambda: any(isinstance(each, Acknowledged) for each in list(reports)), 10)
        except BrokerError:
            return False

    assert eventually(acknowledged, 240)


def ask(cluster: NatsCluster, server: int, wanted: str, count: int = 0) -> Answer:
    """Subscribe at one server; wait for as many retained messages, or for a second."""
    reports: list[Report] = []

    def retained() -> list[bytes]:
        return [each.payload for each in list(reports) if isinstance(each, Received) and each.retained]

    def answers() -> list[bool]:
        return [each.code < REFUSED for each in list(reports) if isinstance(each, Subscribed)]

    try:
        client = Client(f"asker-{secrets.token_hex(4)}")
        with closing(connect(cluster.settings(server, protocol="3.1.1"), client, reports.append)) as link:
            link.subscribe(wanted)
            eventually(lambda: bool(answers()), 20)
            if answers() == [True]:
                eventually(lambda: len(retained()) >= max(count, 1), 1)
    except BrokerError:
        return Answer(refused=True, retained=[])
    return Answer(refused=answers() != [True], retained=retained())
