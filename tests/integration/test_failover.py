"""Several brokers in `mqtt.host`: the first that accepts is used, and the next when it is gone."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from facenode import facenode
from nodeprocess import NodeProcess
from realbroker import Mosquitto, Subscriber, eventually, free_port

from node.errors import BrokerError
from node.mqtt.connect import connect
from node.mqtt.link import Client
from node.settings import MqttSettings

pytestmark = pytest.mark.broker

Start = Callable[..., Mosquitto]
EVENTS = 400


def hosts(*ports: int) -> str:
    """Return `mqtt.host` of brokers on loopback."""
    return ",".join(f"127.0.0.1:{port}" for port in ports)


def test_the_first_broker_that_accepts_is_used(mosquitto: Start) -> None:
    """One that is away is passed over; one further behind is left alone."""
    first, second = mosquitto(), mosquitto()
    with closing(connect(MqttSettings(host=hosts(free_port(), first.port, second.port)), Client("a"), print)):
        assert eventually(lambda: " as a " in first.log())
    assert " as a " not in second.log()


def test_where_no_broker_accepts_each_has_its_sentence() -> None:
    """Whoever set two addresses must see which of them is wrong, and how."""
    ports = free_port(), free_port()
    with pytest.raises(BrokerError) as caught:
        connect(MqttSettings(host=hosts(*ports)), Client("a"), print)
    assert str(caught.value).count("no server is listening") == 2
    assert all(f"127.0.0.1:{port}: " in str(caught.value) for port in ports)


def test_a_node_goes_on_at_the_next_broker_and_loses_nothing(mosquitto: Start, tmp_path: Path) -> None:
    """What the first broker had acknowledged stays with it; all else, and what comes later, goes to the second."""
    first, second = mosquitto(), mosquitto()
    with (
        closing(Subscriber(first.settings(), "facenode/+/event/#")) as before,
        closing(Subscriber(second.settings(), "facenode/+/event/#")) as after,
    ):
        node = NodeProcess(
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


def test_check_looks_at_each_broker(mosquitto: Start) -> None:
    """A stand-by that is down is found before it is needed."""
    broker, dead = mosquitto(), free_port()
    outcome = facenode("check", settings={"mqtt.host": hosts(broker.port, dead)})
    assert outcome.code == 1
    assert f"ok   broker 127.0.0.1:{broker.port}: message" in outcome.out
    assert f"FAIL broker 127.0.0.1:{dead}: tcp" in outcome.out


@pytest.mark.parametrize("host", ["a,,b", "a:b", "[::1", "a:99999"])
def test_a_list_that_cannot_be_read_ends_with_78(host: str) -> None:
    """The line names the setting and shows how it is written."""
    outcome = facenode("check", settings={"mqtt.host": host})
    assert outcome.code == 78
    refusals = ("write HOST, HOST:PORT or [ADDRESS]:PORT", "a port must be between 1 and 65535")
    assert any(refusal in outcome.err for refusal in refusals)
    assert "Traceback" not in outcome.err
