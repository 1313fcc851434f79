"""Several brokers in `mqtt.host`: the node uses the first that accepts, and the next when that one is gone."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from facenode_command import facenode
from mosquitto_broker import Mosquitto, Subscriber, eventually, free_port
from publisher_process import PublisherProcess

from node.errors import BrokerError
from node.mqtt.connect import connect
from node.mqtt.link import Client
from node.settings import MqttSettings

pytestmark = pytest.mark.broker

StartBroker = Callable[..., Mosquitto]
EVENTS = 400


def hosts(*ports: int) -> str:
    """Return `mqtt.host` for brokers on loopback."""
    return ",".join(f"127.0.0.1:{port}" for port in ports)


def test_the_first_broker_that_accepts_is_used(mosquitto: StartBroker) -> None:
    """A broker that is down is skipped; brokers after the accepting one get no connection."""
    first, second = mosquitto(), mosquitto()
    with closing(connect(MqttSettings(host=hosts(free_port(), first.port, second.port)), Client("a"), print)):
        assert eventually(lambda: " as a " in first.log())
    assert " as a " not in second.log()


def test_the_error_names_every_broker_that_does_not_accept() -> None:
    """The error shows each address and why it failed."""
    ports = free_port(), free_port()
    with pytest.raises(BrokerError) as caught:
        connect(MqttSettings(host=hosts(*ports)), Client("a"), print)
    assert str(caught.value).count("no server is listening") == 2
    assert all(f"127.0.0.1:{port}: " in str(caught.value) for port in ports)


def test_a_node_fails_over_to_the_next_broker_without_losing_events(mosquitto: StartBroker, tmp_path: Path) -> None:
    """Every event reaches one of the two brokers: the first until it ends, then the second."""
    first, second = mosquitto(), mosquitto()
    with (
        closing(Subscriber(first.settings(), "facenode/+/event/#")) as before,
        closing(Subscriber(second.settings(), "facenode/+/event/#")) as after,
    ):
        node = PublisherProcess(
            tmp_path, hosts(first.port, second.port), 1883, "--count", str(EVENTS), "--rate", "100", "--live-s", "60"
        )
        try:
            assert eventually(lambda: len(before.messages) >= EVENTS // 4, 30), node.log()
            assert not after.messages
            first.end()
            assert eventually(lambda: node.drained, 60), node.log()
            assert eventually(lambda: node.ended, 20), node.log()
        finally:
            node.kill()
        events = {message.payload for message in (*before.messages, *after.messages)}
    assert len(events) == EVENTS
    assert after.messages


def test_check_tests_every_broker(mosquitto: StartBroker) -> None:
    """`check` finds a stand-by broker that is down before it is needed."""
    broker, dead = mosquitto(), free_port()
    result = facenode("check", settings={"mqtt.host": hosts(broker.port, dead)})
    assert result.code == 1
    assert f"ok   broker 127.0.0.1:{broker.port}: message" in result.out
    assert f"FAIL broker 127.0.0.1:{dead}: tcp" in result.out


@pytest.mark.parametrize("host", ["a,,b", "a:b", "[::1", "a:99999"])
def test_an_invalid_broker_list_exits_with_78(host: str) -> None:
    """The error names the setting and shows the right syntax."""
    result = facenode("check", settings={"mqtt.host": host})
    assert result.code == 78
    assert "write HOST, HOST:PORT or [ADDRESS]:PORT" in result.err or "a port must be between 1 and 65535" in result.err
    assert "Traceback" not in result.err
