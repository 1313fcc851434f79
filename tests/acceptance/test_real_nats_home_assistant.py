"""A real Home Assistant at a cluster of NATS servers: after its restart it finds its nodes at any of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from home_assistant import HomeAssistant
from home_assistant_node import TIMEOUT_S, available, entities, node_process
from home_assistant_root import home_assistant_root
from mosquitto_broker import eventually
from nats_cluster import NatsCluster
from nats_root import nats_root

pytestmark = pytest.mark.timeout(1200)
PrintLine = Callable[[str], None]


@dataclass
class Address:
    """Where a server listens, or several."""

    host: str
    port: int


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsCluster]:
    """Return a cluster of three servers."""
    with NatsCluster(nats_root(), tmp_path_factory.mktemp("nats")) as made:
        yield made


def test_home_assistant_finds_the_node_at_another_server_after_its_restart(
    cluster: NatsCluster, tmp_path: Path, media_dir: Path, print_line: PrintLine
) -> None:
    """It has the device, the node's state and its last will there, although the node is at the first server."""
    addresses = [Address("127.0.0.1", server.port) for server in cluster.servers]
    home = HomeAssistant(home_assistant_root(), tmp_path, addresses[0])
    home.protocol = "3.1.1"
    everywhere = Address(cluster.hosts(0, 1, 2), 1883)
    wanted = entities("hall", noisy=True)
    try:
        home.start()
        with node_process("hall", everywhere, tmp_path, media_dir):
            assert eventually(lambda: home.registered("facenode_hall").keys() == wanted.keys(), TIMEOUT_S)
            assert eventually(lambda: home.state("sensor.hall_count") == "1", TIMEOUT_S)
            home.end()
            home.move(addresses[2])
            home.start()
            assert eventually(lambda: home.state("sensor.hall_count") == "1", TIMEOUT_S)
            assert home.registered("facenode_hall").keys() == wanted.keys()
        # The node was killed, so that its server publishes the last will.
        assert eventually(lambda: not available(home, "sensor.hall_count"), TIMEOUT_S)
    finally:
        home.end()
    print_line(
        f"Home Assistant restarted at server 3, the node at server 1: {len(wanted)} entities, state and last will"
    )
