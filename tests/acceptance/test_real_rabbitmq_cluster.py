"""Nodes at a cluster of three RabbitMQ brokers: what still works when one of them dies, and what does not."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from delivery_count import EventRecorder, count_deliveries
from facenode_command import facenode
from mosquitto_broker import Subscriber, eventually
from ordered_brokers import OrderedBrokers
from publisher_process import PublisherProcess
from rabbitmq_cluster import RabbitmqCluster
from rabbitmq_root import rabbitmq_root
from running_node import running_facenode

pytestmark = pytest.mark.timeout(600)

EVENTS, RATE = 2000, 300
DISCOVERY = "homeassistant/device/facenode/hall/config"


@pytest.fixture(scope="module")
def running_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitmqCluster]:
    """Return a cluster; a test that kills brokers uses `cluster` instead."""
    with RabbitmqCluster(rabbitmq_root(), tmp_path_factory.mktemp("cluster")) as made:
        yield made


@pytest.fixture
def cluster(running_cluster: RabbitmqCluster) -> Iterator[RabbitmqCluster]:
    """Return a cluster whose killed brokers are restarted after the test."""
    yield running_cluster
    for broker in running_cluster.brokers:
        broker.restart_if_down()


@pytest.mark.parametrize("killed", [0, 1], ids=["the node's", "the subscriber's"])
def test_killing_one_broker_loses_no_event(
    cluster: RabbitmqCluster, tmp_path: Path, print_line: Callable[[str], None], killed: int
) -> None:
    """In the middle of 2,000 events the node goes on at the next broker, where the subscriber finds its session."""
    with closing(EventRecorder(OrderedBrokers(cluster, 1, 2, 0), keep_s=600)) as recorder:
        assert recorder.wait_subscribed(30)
        node = PublisherProcess(tmp_path, cluster.hosts(0, 1, 2), 1883, "--count", str(EVENTS), "--rate", str(RATE))
        try:
            assert eventually(lambda: len(recorder.events) >= EVENTS // 3, 60), node.log()
            cluster.brokers[killed].kill()
            assert eventually(lambda: node.drained, 120), node.log()
            assert eventually(lambda: count_deliveries(tmp_path / "journal", recorder.events).lost == 0, 60), node.log()
            assert eventually(lambda: node.ended, 20), node.log()
        finally:
            node.kill()
        delivered = count_deliveries(tmp_path / "journal", recorder.events)
    print_line(f"broker {killed + 1} of 3 killed: {delivered}")
    assert (delivered.sent, delivered.lost, delivered.unexpected, delivered.gaps) == (EVENTS, 0, 0, 0)


def test_sessions_that_are_not_replicated_delay_the_events(tmp_path: Path, print_line: Callable[[str], None]) -> None:
    """Without `mqtt.durable_queue_type = quorum` nobody gets events while the broker with the session is down.

    The other brokers refuse the events for now (reason code 0x83), and the node keeps them until that broker is back.
    """
    with (
        RabbitmqCluster(rabbitmq_root(), tmp_path, queues="classic") as cluster,
        closing(EventRecorder(OrderedBrokers(cluster, 1, 2, 0), keep_s=600)) as recorder,
    ):
        assert recorder.wait_subscribed(30)
        node = PublisherProcess(tmp_path, cluster.hosts(0, 1, 2), 1883, "--count", "300", "--rate", "100")
        try:
            assert eventually(lambda: len(recorder.events) >= 100, 60), node.log()
            cluster.brokers[1].kill()
            assert eventually(lambda: "(reason 0x83)" in node.log(), 60), node.log()
            assert not node.drained
            cluster.brokers[1].restart_if_down()
            assert eventually(lambda: node.drained, 150), node.log()
            assert eventually(lambda: count_deliveries(tmp_path / "journal", recorder.events).lost == 0, 60), node.log()
        finally:
            node.kill()
        delivered = count_deliveries(tmp_path / "journal", recorder.events)
    print_line(f"sessions not replicated, their broker killed and restarted: {delivered}")
    assert (delivered.sent, delivered.lost) == (300, 0)


def test_only_the_broker_that_took_a_message_retains_it(cluster: RabbitmqCluster) -> None:
    """In RabbitMQ 4.0, as docs/brokers.md says, only exact filters at the same broker find it."""
    with closing(Subscriber(cluster.settings(0), "mark", client_id="publisher")) as publisher:
        publisher.publish("facenode/hall/status", b"online", retain=True)
        publisher.publish("mark", b"")
        assert eventually(lambda: bool(publisher.on("mark")), 20)
    found = {
        (number, wanted): retained(cluster, number, wanted)
        for number in (0, 1)
        for wanted in ("facenode/hall/status", "facenode/+/status", "facenode/#")
    }
    assert [where for where, there in found.items() if there] == [(0, "facenode/hall/status")]


def test_home_assistant_finds_the_node_after_a_fail_over(
    cluster: RabbitmqCluster, media_dir: Path, tmp_path: Path, print_line: Callable[[str], None]
) -> None:
    """At another broker than the node's, it receives discovery, `online` and health after its start."""
    portraits = tmp_path / "portraits"
    portraits.mkdir()
    for number in range(4000):
        (portraits / f"{number:04}.jpg").symlink_to(media_dir / "astronaut.jpg")
    settings = {
        "node.id": "hall", "camera.source": f"images:{portraits}", "camera.fps": 2,
        "mqtt.host": cluster.hosts(0, 1, 2), "storage.dir": tmp_path / "storage",
    }  # fmt: skip
    with (
        running_facenode(settings),
        closing(Subscriber(cluster.settings(2), "facenode/hall/status", DISCOVERY, client_id="before")) as before,
    ):
        assert eventually(lambda: b"online" in before.on("facenode/hall/status"), 60)
        cluster.brokers[0].kill()
        assert eventually(lambda: before.on("facenode/hall/status").count(b"online") >= 2, 60)
        with closing(Subscriber(cluster.settings(2), "homeassistant/#", client_id="home")) as home:
            home.publish("homeassistant/status", b"online")
            assert eventually(lambda: bool(home.on(DISCOVERY)), 30)
            announced = json.loads(home.on(DISCOVERY)[-1])
        # As Home Assistant does: subscribe only to the topics of the discovery, and only now.
        topics = {
            announced["availability"][0]["topic"],
            *(each["state_topic"] for each in announced["cmps"].values() if "state_topic" in each),
        }
        with closing(Subscriber(cluster.settings(2), *topics, client_id="home")) as home:
            assert eventually(lambda: bool(home.on("facenode/hall/status")), 30)
            assert home.on("facenode/hall/status")[-1] == b"online"
            assert eventually(lambda: bool(home.on("facenode/hall/health")), 30)
    print_line(f"Home Assistant at broker 3, the node at broker 2: {len(topics)} topics, online and health received")


def test_many_nodes_fail_over_to_the_next_broker(cluster: RabbitmqCluster, print_line: Callable[[str], None]) -> None:
    """The broker that all simulated nodes use is killed, and no event is lost."""
    command = f"kill -KILL -- -{cluster.brokers[0].process_group}"
    result = facenode(
        "simulate", "--nodes", "200", "--duration", "20", "--rate", "720", "--storm-command", command,
        settings={"mqtt.host": cluster.hosts(0, 1, 2)}, timeout_s=300,
    )  # fmt: skip
    print_line(result.out)
    assert result.code == 0, result.out + result.err
    assert re.search(r"^lost +0$", result.out, re.MULTILINE)
    assert re.search(r"^storm +200 nodes cut off; .* all after", result.out, re.MULTILINE)


def retained(cluster: RabbitmqCluster, number: int, wanted: str) -> bool:
    """Return whether a broker delivers a retained message to a new subscriber."""
    with closing(Subscriber(cluster.settings(number), wanted, "mark", client_id="asker")) as asker:
        asker.publish("mark", b"")
        assert eventually(lambda: bool(asker.on("mark")), 20)
        return any(message.retained for message in asker.messages)
