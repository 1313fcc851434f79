"""Whatever a broker sends, a connection keeps at most 64 kB of it and ends before more is stored.

These tests fail where a new version of paho reads or keeps packets otherwise than `node.mqtt.bounded_client` knows.
"""

import queue
from collections.abc import Callable
from contextlib import closing

import pytest
from mosquitto_broker import Mosquitto, Subscriber, eventually
from raw_broker import CONNECT, DISCONNECT, PINGREQ, Packet, RawBroker, normal_answer, packet

from node.errors import BrokerError
from node.mqtt.connect import connect
from node.mqtt.link import Client, Link, Lost, Received, Report, Timeouts
from node.settings import MqttSettings

TOPIC = b"facenode/pi-1/request/check"
HUNDRED_MB = b"\x80\xc2\xd7\x2f"
"""100,000,000 as a packet's length."""
LARGE = b"\x32" + HUNDRED_MB + len(TOPIC).to_bytes(2, "big") + TOPIC
LARGE_SUBACK = b"\x90" + HUNDRED_MB
QOS_2 = b"\x34\x23" + len(TOPIC).to_bytes(2, "big") + TOPIC + b"\0\1\0hi!"
PROTOCOLS = ["5", "3.1.1"]


def open_link(port: int, report: Callable[[Report], None], protocol: str) -> Link:
    """Connect, with short timeouts."""
    settings = MqttSettings.model_validate({"host": "127.0.0.1", "port": port, "protocol": protocol})
    return connect(settings, Client("a"), report, Timeouts(1.0, 1.0))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("content", "words", "topic", "code"),
    [
        (LARGE, "request/check: a message of 100,000,005 bytes arrived, more than 65,536", TOPIC.decode(), 0x95),
        (LARGE_SUBACK, "a packet of 100,000,005 bytes, more than 4,096", None, 0x95),
        (QOS_2, "a packet of QoS 2", None, 0x82),
        (b"\x62\x02\0\1", "a packet of QoS 2", None, 0x82),
    ],
    ids=["message", "suback", "qos2", "pubrel"],
)
def test_a_packet_beyond_the_bounds_ends_the_connection_before_it_has_come(
    protocol: str, content: bytes, words: str, topic: str | None, code: int
) -> None:
    """The header is enough: the rest is never sent here. A broker of MQTT 5 gets the reason."""
    reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
    with RawBroker() as broker, closing(open_link(broker.port, reports.put, protocol)):
        broker.send(content)
        lost = reports.get(timeout=5)
        assert isinstance(lost, Lost)
        assert words in lost.sentence
        assert (lost.topic, lost.code) == (topic, 0)
        if protocol == "5":
            assert eventually(lambda: broker.packets[-1].kind == DISCONNECT)
            assert broker.packets[-1].body[0] == code
    assert protocol == "5" or DISCONNECT not in [each.kind for each in broker.packets]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_broker_that_sends_too_much_instead_of_connack_is_refused(protocol: str) -> None:
    """The bounds hold from the first byte on."""
    with RawBroker(lambda _packet: LARGE) as broker, pytest.raises(BrokerError, match="100,000,005 bytes"):
        open_link(broker.port, lambda _report: None, protocol)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_connection_states_its_bounds(protocol: str) -> None:
    """MQTT 5: Maximum Packet Size 65,536 and Receive Maximum 16; MQTT 3.1.1 has no such fields."""
    with RawBroker() as broker, closing(open_link(broker.port, lambda _report: None, protocol)):
        (connect_packet,) = [each for each in broker.packets if each.kind == CONNECT]
    stated = [b"\x27\x00\x01\x00\x00" in connect_packet.body, b"\x21\x00\x10" in connect_packet.body]
    assert stated == [protocol == "5"] * 2


def test_a_broker_that_does_not_answer_a_connect_with_bounds_gets_one_without() -> None:
    """A broker that knows only 3.1.1 may take them for the length of a client id and wait for its end."""

    def answer(received: Packet) -> bytes | None:
        if received.kind != CONNECT or not received.mqtt5:
            return normal_answer(received)
        return b"" if b"\x27\x00\x01\x00\x00" in received.body else packet(2, b"\0\x84\0")

    with RawBroker(answer) as broker, closing(open_link(broker.port, lambda _report: None, "auto")) as link:
        assert link.protocol == "3.1.1"
        assert [each.mqtt5 for each in broker.packets if each.kind == CONNECT] == [True, True, False]


@pytest.mark.broker
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_message_within_the_bounds_comes_and_one_above_does_not(
    mosquitto: Callable[..., Mosquitto], protocol: str
) -> None:
    """Mosquitto keeps to the stated size, so over MQTT 5 the connection stays; over 3.1.1 it ends."""
    broker, reports = mosquitto(), queue.SimpleQueue[Report]()
    with (
        closing(open_link(broker.port, reports.put, protocol)) as link,
        closing(Subscriber(broker.settings(), "none", client_id="sender")) as sender,
    ):
        link.subscribe("a")
        reports.get(timeout=5)
        sender.publish("a", b"x" * 65_000)
        assert reports.get(timeout=5) == Received("a", b"x" * 65_000, retained=False)
        sender.publish("a", b"x" * 1_000_000)
        sender.publish("a", b"small")
        last = reports.get(timeout=5)
    if protocol == "5":
        assert last == Received("a", b"small", retained=False)
    else:
        assert isinstance(last, Lost)
        assert last.topic == "a"


def test_the_client_still_answers_pings_while_it_waits() -> None:
    """The bounds stop nothing that paho does by itself."""
    settings = {"host": "127.0.0.1", "protocol": "5", "keepalive_s": 5}
    with RawBroker() as broker:
        given = MqttSettings.model_validate({**settings, "port": broker.port})
        with closing(connect(given, Client("a"), lambda _report: None)):
            assert eventually(lambda: PINGREQ in [each.kind for each in broker.packets], 15)
