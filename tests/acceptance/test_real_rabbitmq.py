"""One RabbitMQ broker with its defaults: what nodes can rely on, as docs/brokers.md describes."""

import queue
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from delivery_count import EventRecorder, count_deliveries
from facenode_command import facenode
from mosquitto_broker import Subscriber, eventually
from publisher_process import PublisherProcess
from rabbitmq_cluster import RabbitmqCluster
from rabbitmq_root import rabbitmq_root

from node.contract.message import Message, expiring
from node.mqtt.connect import connect
from node.mqtt.link import Acknowledged, Client, Link, Lost, Received, Report, Subscribed

pytestmark = pytest.mark.timeout(400)

EVENTS = 1000


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitmqCluster]:
    """Return a cluster of one broker whose sessions have the default queue type."""
    with RabbitmqCluster(rabbitmq_root(), tmp_path_factory.mktemp("rabbit"), count=1, queues="classic") as made:
        yield made
        made.brokers[0].restart_if_down()


def settings_of(broker: RabbitmqCluster) -> dict[str, object]:
    """Return the settings for a connection to the broker."""
    return {"mqtt.host": broker.hosts(), "node.id": "hall"}


class ReportingClient:
    """A client, and the reports it gets."""

    def __init__(self, broker: RabbitmqCluster, protocol: str = "5") -> None:
        self._reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self.link: Link = connect(broker.settings(protocol=protocol), Client("client"), self._reports.put)

    def next(self) -> Report:
        """Return the next report."""
        return self._reports.get(timeout=20)

    def close(self) -> None:
        """Disconnect."""
        self.link.close()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_check_passes(broker: RabbitmqCluster, protocol: str) -> None:
    """Name, TCP, login and a message that comes back are ok in both protocol versions."""
    result = facenode("check", settings=settings_of(broker) | {"mqtt.protocol": protocol})
    lines = [line for line in result.out.splitlines() if " broker: " in line]
    assert lines
    assert all(line.startswith("ok") for line in lines), result.out
    assert f"MQTT {protocol}" in result.out


def test_acknowledged_events_survive_a_kill(
    broker: RabbitmqCluster, tmp_path: Path, print_line: Callable[[str], None]
) -> None:
    """The broker is killed in the middle of 1,000 events to a subscriber with a session."""
    with closing(EventRecorder(broker, keep_s=600)) as recorder:
        assert recorder.wait_subscribed(30)
        node = PublisherProcess(tmp_path, broker.hosts(), 1883, "--count", str(EVENTS), "--rate", "200")
        try:
            assert eventually(lambda: len(recorder.events) >= EVENTS // 3, 60), node.log()
            broker.brokers[0].kill()
            broker.brokers[0].restart_if_down()
            assert eventually(lambda: node.drained, 120), node.log()
            assert eventually(lambda: count_deliveries(tmp_path / "journal", recorder.events).lost == 0, 60), node.log()
            assert eventually(lambda: node.ended, 20), node.log()
        finally:
            node.kill()
        delivered = count_deliveries(tmp_path / "journal", recorder.events)
    print_line(f"the only broker killed and restarted: {delivered}")
    assert (delivered.sent, delivered.lost, delivered.gaps) == (EVENTS, 0, 0)


def test_retained_messages_are_found_only_by_their_exact_topic(broker: RabbitmqCluster) -> None:
    """`facenode fleet`, which subscribes to `facenode/+/...`, therefore finds no node and says so."""
    with closing(Subscriber(broker.settings(), "mark", client_id="publisher")) as publisher:
        publisher.publish("facenode/hall/status", b"online", retain=True)
        publisher.publish("mark", b"")
        assert eventually(lambda: bool(publisher.on("mark")), 20)
    with closing(Subscriber(broker.settings(), "facenode/hall/status", client_id="exact")) as exact:
        assert eventually(lambda: exact.on("facenode/hall/status") == [b"online"], 20)
    result = facenode("fleet", settings=settings_of(broker))
    assert (result.code, result.out.splitlines()[-1]) == (1, "no nodes found at the broker")


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_denied_publish_ends_the_connection(broker: RabbitmqCluster, protocol: str) -> None:
    """Even MQTT 5 gets no reason code; `facenode check` finds the problem before a node hangs on it."""
    first = broker.brokers[0]
    first.rabbitmqctl("set_topic_permissions", "guest", "amq.topic", r"^nothing$", ".*")
    try:
        with closing(ReportingClient(broker, protocol)) as client:
            client.link.publish(Message("facenode/hall/event/unknown", b"{}"))
            assert isinstance(client.next(), Lost)
        result = facenode("check", settings=settings_of(broker) | {"mqtt.protocol": protocol})
    finally:
        first.rabbitmqctl("clear_topic_permissions", "guest")
    assert result.code == 1
    assert "FAIL broker: message" in result.out


def test_a_shared_subscription_is_granted_but_gets_no_messages(broker: RabbitmqCluster) -> None:
    """Sharing events among consumers needs another broker, or RabbitMQ's own queues."""
    with closing(ReportingClient(broker)) as client:
        client.link.subscribe("$share/alerts/facenode/+/alert/#")
        assert client.next() == Subscribed(1)
        client.link.subscribe("mark")
        assert client.next() == Subscribed(1)
        for topic in ("facenode/hall/alert/stranger", "mark"):
            client.link.publish(Message(topic, b"{}"))
        came = [report.topic for report in (client.next() for _ in range(3)) if isinstance(report, Received)]
    assert came == ["mark"]


def test_a_subscriber_that_was_away_reads_how_long_a_message_waited(broker: RabbitmqCluster) -> None:
    """The broker counts the expiry down in whole seconds and keeps the original, as mosquitto does."""
    reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
    session = Client("away", keep_s=600)
    with closing(connect(broker.settings(), session, reports.put)) as link:
        link.subscribe("facenode/hall/event/unknown")
        assert isinstance(reports.get(timeout=60), Subscribed)
    with closing(connect(broker.settings(), Client("node"), reports.put)) as link:
        sent_s = time.monotonic()
        link.publish(expiring(Message("facenode/hall/event/unknown", b"{}"), 1000))
        assert isinstance(reports.get(timeout=60), Acknowledged)
        kept_s = time.monotonic()
    time.sleep(5)
    least_s = time.monotonic() - kept_s
    with closing(connect(broker.settings(), session, reports.put)):
        found = reports.get(timeout=60)
        most_s = time.monotonic() - sent_s
    assert isinstance(found, Received)
    assert found.waited_s is not None
    assert least_s - 1 <= found.waited_s <= most_s + 1


def test_a_simulation_loses_no_event(broker: RabbitmqCluster, print_line: Callable[[str], None]) -> None:
    """200 nodes publish for half a minute, with one storm in the middle."""
    options = ("--nodes", "200", "--duration", "30", "--rate", "720", "--storm")
    result = facenode("simulate", *options, settings=settings_of(broker), timeout_s=300)
    print_line(result.out)
    assert result.code == 0, result.out + result.err
