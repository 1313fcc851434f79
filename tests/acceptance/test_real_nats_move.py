"""A node moves between a mosquitto and a NATS cluster: nothing that either of them or the node holds is lost.

`fleet/test_fleet_6_moved.py` moves a whole fleet by its playbooks. This one kills the node, too.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from delivery_count import EventRecorder, count_deliveries
from mosquitto_broker import Mosquitto, eventually
from nats_cluster import NatsCluster
from nats_root import nats_root
from publisher_process import PublisherProcess

from node.settings import MqttSettings

pytestmark = [pytest.mark.broker, pytest.mark.timeout(900)]
EVENTS, RATE = 2000, 100
PrintLine = Callable[[str], None]


@dataclass
class Side:
    """The brokers on one side of the move.

    Attributes:
        name: their kind.
        address: `mqtt.host` for them.
        stop: stops them all.
        start: starts them again.
    """

    name: str
    address: str
    stop: Callable[[], None]
    start: Callable[[], object]

    def settings(self, **more: object) -> MqttSettings:
        """Return the settings for a connection to them."""
        return MqttSettings.model_validate({"host": self.address, **more})


@pytest.fixture
def sides(tmp_path: Path) -> Iterator[dict[str, Side]]:
    """Return both kinds of brokers, running."""
    kept = tmp_path / "kept"
    kept.mkdir()
    lines = ("allow_anonymous true", "max_queued_messages 0", "persistence true", f"persistence_location {kept}/")
    mosquitto = Mosquitto(tmp_path / "mosquitto", lines)
    mosquitto.start()
    try:
        with NatsCluster(nats_root(), tmp_path) as cluster:

            def stop_cluster() -> None:
                for server in cluster.servers:
                    server.stop()

            yield {
                "mosquitto": Side("mosquitto", f"127.0.0.1:{mosquitto.port}", mosquitto.end, mosquitto.start),
                "nats": Side("nats", cluster.hosts(), stop_cluster, cluster.restart_all_that_are_down),
            }
    finally:
        mosquitto.end()


@pytest.mark.parametrize(("old_kind", "new_kind"), [("mosquitto", "nats"), ("nats", "mosquitto")])
def test_a_node_that_moves_loses_no_event(
    sides: dict[str, Side], tmp_path: Path, print_line: PrintLine, old_kind: str, new_kind: str
) -> None:
    """Some events arrive before the move, some wait at the old broker, some at the node, which is killed and moved."""
    old, new = sides[old_kind], sides[new_kind]
    folder = tmp_path / "node"
    folder.mkdir()

    def made() -> int:
        journal = folder / "journal"
        return journal.read_text().count("=") if journal.exists() else 0

    def node_at(side: Side) -> PublisherProcess:
        options = ("--count", str(EVENTS), "--rate", str(RATE), "--ack-s", "10")
        return PublisherProcess(folder, side.address, 1883, *options)

    with closing(EventRecorder(old, keep_s=600, protocol="3.1.1")) as before:
        assert before.wait_subscribed(30)
        node = node_at(old)
        try:
            assert eventually(lambda: len(before.events) >= EVENTS // 4, 120), node.log()
        except BaseException:
            node.kill()
            raise
    try:
        # The subscriber is gone: these wait at the old broker.
        later = made() + EVENTS // 8
        assert eventually(lambda: made() >= later, 120), node.log()
        old.stop()
        later = made() + EVENTS // 8
        assert eventually(lambda: made() >= later, 120), node.log()
    finally:
        node.kill()
    with closing(EventRecorder(new, keep_s=600, protocol="3.1.1")) as after:
        assert after.wait_subscribed(30)
        node = node_at(new)
        try:
            assert eventually(lambda: node.drained, 240), node.log()
        finally:
            node.kill()
        old.start()
        with closing(EventRecorder(old, keep_s=600, protocol="3.1.1")) as drained:

            def count() -> int:
                return count_deliveries(folder / "journal", [*before.events, *drained.events, *after.events]).lost

            eventually(lambda: count() == 0, 60)
        delivered = count_deliveries(folder / "journal", [*before.events, *drained.events, *after.events])
    print_line(
        f"{old.name} -> {new.name}: {len(before.events)} before the move, {len(drained.events)} drained from the old "
        f"broker, {len(after.events)} at the new one: {delivered}"
    )
    assert drained.events
    assert (delivered.lost, delivered.unexpected, delivered.gaps) == (0, 0, 0)
