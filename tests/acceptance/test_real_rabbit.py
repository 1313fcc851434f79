"""One RabbitMQ broker, as it comes: what a node and its owner can rely on there. docs/brokers.md tells it."""

import queue
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from facenode import facenode
from nodeprocess import NodeProcess
from rabbit import Cluster
from rabbitroot import rabbit_root
from realbroker import Subscriber, eventually
from tally import Recorder, count

from node.contract.message import Message
from node.mqtt.connect import connect
from node.mqtt.link import Client, Link, Lost, Received, Report, Subscribed

pytestmark = pytest.mark.timeout(400)

EVENTS = 1000


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Return a cluster of one, whose sessions are queues as RabbitMQ makes them by itself."""
    with Cluster(rabbit_root(), tmp_path_factory.mktemp("rabbit"), count=1, queues="classic") as made:
        yield made
        made.brokers[0].revive()


def settings_of(broker: Cluster) -> dict[str, object]:
    """Return the settings with which a command reaches it."""
    return {"mqtt.host": broker.hosts(), "node.id": "hall"}


class Caller:
    """Somebody connected, and what the broker reports to it."""

    def __init__(self, broker: Cluster, protocol: str = "5") -> None:
        self._reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self.link: Link = connect(broker.settings(protocol=protocol), Client("caller"), self._reports.put)

    def next(self) -> Report:
        """Return what is reported next."""
        return self._reports.get(timeout=20)

    def close(self) -> None:
        """Leave."""
        self.link.close()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_check_finds_it_in_order(broker: Cluster, protocol: str) -> None:
    """Name, TCP, login, and a message that comes back, in both versions."""
    outcome = facenode("check", settings=settings_of(broker) | {"mqtt.protocol": protocol})
    lines = [line for line in outcome.out.splitlines() if " broker: " in line]
    assert lines
    assert all(line.startswith("ok") for line in lines), outcome.out
    assert f"MQTT {protocol}" in outcome.out


def test_what_it_acknowledged_outlives_a_kill(broker: Cluster, tmp_path: Path, say: Callable[[str], None]) -> None:
    """In the middle of 1,000 events, with a subscriber that has a session."""
    with closing(Recorder(broker, keep_s=600)) as recorder:
        assert recorder.wait_ready(30)
        node = NodeProcess(tmp_path, broker.hosts(), 1883, "--count", str(EVENTS), "--rate", "200")
        try:
            assert eventually(lambda: len(recorder.arrived) >= EVENTS // 3, 60), node.log()
            broker.brokers[0].kill()
            broker.brokers[0].revive()
            assert eventually(lambda: node.drained, 120), node.log()
            assert eventually(lambda: count(tmp_path / "journal", recorder.arrived).lost == 0, 60), node.log()
            assert eventually(lambda: node.ended, 20), node.log()
        finally:
            node.kill()
        tally = count(tmp_path / "journal", recorder.arrived)
    say(f"the only broker killed and started again: {tally}")
    assert (tally.sent, tally.lost, tally.gaps) == (EVENTS, 0, 0)


def test_what_is_retained_is_found_by_its_exact_topic_alone(broker: Cluster) -> None:
    """So the view of a fleet, which asks for `facenode/+/...`, is empty, and says so."""
    with closing(Subscriber(broker.settings(), "mark", client_id="teller")) as teller:
        teller.publish("facenode/hall/status", b"online", retain=True)
        teller.publish("mark", b"")
        assert eventually(lambda: bool(teller.on("mark")), 20)
    with closing(Subscriber(broker.settings(), "facenode/hall/status", client_id="exact")) as exact:
        assert eventually(lambda: exact.on("facenode/hall/status") == [b"online"], 20)
    outcome = facenode("fleet", settings=settings_of(broker))
    assert (outcome.code, outcome.out.splitlines()[-1]) == (1, "no nodes found at the broker")


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_denied_publish_ends_the_connection(broker: Cluster, protocol: str) -> None:
    """It is not answered with a reason, in MQTT 5 neither; `facenode check` finds it before a node hangs on it."""
    first = broker.brokers[0]
    first.control("set_topic_permissions", "guest", "amq.topic", r"^nothing$", ".*")
    try:
        with closing(Caller(broker, protocol)) as caller:
            caller.link.publish(Message("facenode/hall/event/unknown", b"{}"))
            assert isinstance(caller.next(), Lost)
        outcome = facenode("check", settings=settings_of(broker) | {"mqtt.protocol": protocol})
    finally:
        first.control("clear_topic_permissions", "guest")
    assert outcome.code == 1
    assert "FAIL broker: message" in outcome.out


def test_a_shared_subscription_is_granted_and_never_served(broker: Cluster) -> None:
    """To divide events among several consumers takes another broker, or one of RabbitMQ's own queues."""
    with closing(Caller(broker)) as caller:
        caller.link.subscribe("$share/alerts/facenode/+/alert/#")
        assert caller.next() == Subscribed(1)
        caller.link.subscribe("mark")
        assert caller.next() == Subscribed(1)
        for topic in ("facenode/hall/alert/stranger", "mark"):
            caller.link.publish(Message(topic, b"{}"))
        came = [report.topic for report in (caller.next() for _ in range(3)) if isinstance(report, Received)]
    assert came == ["mark"]


def test_a_simulation_loses_nothing(broker: Cluster, say: Callable[[str], None]) -> None:
    """200 nodes for half a minute, cut off once in the middle."""
    options = ("--nodes", "200", "--duration", "30", "--rate", "720", "--storm")
    outcome = facenode("simulate", *options, settings=settings_of(broker), timeout_s=300)
    say(outcome.out)
    assert outcome.code == 0, outcome.out + outcome.err
