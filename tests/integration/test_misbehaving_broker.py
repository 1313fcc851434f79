"""Misbehaving brokers: each fault has its own error message, and none of them loses a message or stops the node."""

import queue
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

import pytest
from fake_link import event
from makers import instant
from mosquitto_broker import Mosquitto, eventually
from raw_broker import (
    CONNECT,
    DISCONNECT,
    PUBACK,
    PUBLISH,
    SUBSCRIBE,
    Packet,
    RawBroker,
    connack,
    normal_answer,
    packet,
)

from node.clock import SystemClock
from node.contract import payloads
from node.contract.message import Message
from node.contract.topics import Topics
from node.errors import BrokerError
from node.mqtt import reason_codes
from node.mqtt.backoff import Timing
from node.mqtt.connect import connect
from node.mqtt.link import Acknowledged, Client, Link, Lost, Report, Timeouts
from node.mqtt.publisher import Publisher
from node.mqtt.retained import Retained
from node.outbox.outbox import Outbox
from node.settings import MqttSettings

TOPICS = Topics("pi-1")
NODE = Client(TOPICS.client_id, payloads.last_will(TOPICS))
SHORT = Timeouts(connect_s=1.0, answer_s=0.5)
EVENT = "facenode/pi-1/event/unknown"


@pytest.fixture
def exit_stack() -> Iterator[ExitStack]:
    """Return a stack that closes everything, latest first."""
    with ExitStack() as stack:
        yield stack


def open_link(port: int, report: Callable[[Report], None] = lambda _report: None, protocol: str = "5") -> Link:
    """Connect with short timeouts."""
    settings = MqttSettings.model_validate({"host": "127.0.0.1", "port": port, "protocol": protocol})
    return connect(settings, NODE, report, SHORT)


class OutboxPublisher:
    """A publisher with an outbox and short back-off."""

    def __init__(
        self, folder: Path, port: int, *, ack_s: float = 15.0, protocol: str = "5", receive: bool = False
    ) -> None:
        self.outbox = Outbox(folder, TOPICS, SystemClock())
        self.retained = Retained(TOPICS, payloads.state(instant(0)))
        timing = Timing(first_s=0.02, max_s=0.05, ack_s=ack_s)
        self.publisher = Publisher(
            TOPICS,
            self.outbox,
            self.retained,
            lambda report: open_link(port, report, protocol),
            receive=(lambda _request: None) if receive else None,
            timing=timing,
        )

    def start(self) -> "OutboxPublisher":
        """Start the publisher."""
        self.publisher.start()
        return self

    def close(self) -> None:
        """Stop the publisher and close the outbox."""
        self.publisher.stop(payloads.state(instant(9)), 1.0)
        self.outbox.close()


def test_a_silent_tcp_port_is_not_a_broker() -> None:
    """A port that accepts TCP but never answers ends the attempt in time."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began_s = time.monotonic()
        with pytest.raises(BrokerError, match="does not answer"):
            open_link(silent.getsockname()[1])
    assert time.monotonic() - began_s < 3


_AS_LOGIN = {0x87: 0x86}
"""Mosquitto answers a wrong password with `not authorized`: in a CONNACK both codes mean the login."""


@pytest.mark.parametrize("code", [0x80, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x97, 0x9A, 0x9B, 0x9D, 0x9F])
def test_a_refused_connack_raises_its_own_message(code: int) -> None:
    """A CONNACK with a failing reason code is no connection, and its message names the reason."""
    with RawBroker(lambda _packet: connack(code)) as broker, pytest.raises(BrokerError) as caught:
        open_link(broker.port)
    assert reason_codes.describe(_AS_LOGIN.get(code, code)) in str(caught.value)


@pytest.mark.parametrize("code", [2, 3, 4, 5])
def test_a_refused_connack_in_3_1_1_raises_its_own_message(code: int) -> None:
    """MQTT 3.1.1 has other codes for the same messages."""
    with RawBroker(lambda _packet: connack(code, mqtt5=False)) as broker, pytest.raises(BrokerError) as caught:
        open_link(broker.port, protocol="3.1.1")
    wanted = {2: 0x85, 3: 0x88, 4: 0x86, 5: 0x86}[code]
    assert reason_codes.describe(wanted) in str(caught.value)


def test_mqtt_3_1_is_never_tried() -> None:
    """A broker that refuses MQTT 5 and 3.1.1 is not asked for 3.1."""
    with RawBroker(lambda _packet: connack(1, mqtt5=False)) as broker, pytest.raises(BrokerError):
        open_link(broker.port, protocol="auto")
    assert [each.mqtt5 for each in broker.packets if each.kind == CONNECT] == [True, False]


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x20\x02\x00", b"\xff" * 64, b"\x20\xff\xff\xff\xff\xff", b"\x30\x00"],
)
def test_an_answer_that_is_not_mqtt_is_not_a_connection(answer: bytes) -> None:
    """Any unexpected bytes end in an error message and no connection."""
    with RawBroker(lambda _packet: answer) as broker, pytest.raises(BrokerError, match=f"127.0.0.1:{broker.port}: "):
        open_link(broker.port)


@pytest.mark.parametrize(("code", "words"), [(0x8E, "same node.id"), (0x8B, "shutting down"), (0x98, "closed the")])
def test_the_reason_of_a_disconnect_is_reported(code: int, words: str) -> None:
    """A DISCONNECT packet of MQTT 5 says why the connection ends."""
    reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
    with RawBroker() as broker, closing(open_link(broker.port, reports.put)):
        broker.send(packet(DISCONNECT, bytes([code])))
        lost = reports.get(timeout=5)
    assert isinstance(lost, Lost)
    assert lost.code == code
    assert words in lost.sentence


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_end_the_connection(seed: int) -> None:
    """Random bytes neither block the network thread nor kill it unnoticed."""
    noise = random.Random(seed).randbytes(400)
    reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
    with RawBroker() as broker, closing(open_link(broker.port, reports.put)):
        broker.send(noise)
        broker.close_latest()
        while not isinstance(reports.get(timeout=5), Lost):
            pass


def test_an_unacknowledged_publish_is_sent_again_over_a_new_connection(exit_stack: ExitStack, tmp_path: Path) -> None:
    """A broker that does not acknowledge is detected by its silence."""

    def answer(received: Packet) -> bytes | None:
        return b"" if received.topic == EVENT and received.connection == 0 else normal_answer(received)

    broker = exit_stack.enter_context(RawBroker(answer))
    node = exit_stack.enter_context(closing(OutboxPublisher(tmp_path, broker.port, ack_s=0.5).start()))
    node.outbox.put([event(1)])
    assert node.publisher.drain(10)
    assert broker.published().count(EVENT) == 2


@pytest.mark.parametrize("code", [0x80, 0x83, 0x97])
def test_a_temporary_refusal_is_retried(exit_stack: ExitStack, tmp_path: Path, code: int) -> None:
    """The row stays in the outbox until the quota is available again."""
    refused: list[int] = []

    def answer(received: Packet) -> bytes | None:
        if received.topic == EVENT and not refused:
            refused.append(received.mid)
            return packet(PUBACK, received.mid.to_bytes(2, "big") + bytes([code]))
        return normal_answer(received)

    broker = exit_stack.enter_context(RawBroker(answer))
    node = exit_stack.enter_context(closing(OutboxPublisher(tmp_path, broker.port).start()))
    node.outbox.put([event(1)])
    assert node.publisher.drain(10)
    assert broker.published().count(EVENT) == 2
    assert node.outbox.counts().rejected == 0


@pytest.mark.parametrize("code", [0x87, 0x90, 0x99])
def test_a_permanent_refusal_rejects_the_message_and_continues(
    exit_stack: ExitStack, tmp_path: Path, code: int
) -> None:
    """The rejected message is counted and the next message is published."""

    def answer(received: Packet) -> bytes | None:
        if received.topic.endswith("/left"):
            return packet(PUBACK, received.mid.to_bytes(2, "big") + bytes([code]))
        return normal_answer(received)

    broker = exit_stack.enter_context(RawBroker(answer))
    node = exit_stack.enter_context(closing(OutboxPublisher(tmp_path, broker.port).start()))
    node.outbox.put([event(1, "left"), event(2)])
    assert node.publisher.drain(10)
    assert node.outbox.counts().rejected == 1
    assert EVENT in broker.published()


def test_receive_maximum_and_maximum_packet_size_are_respected(exit_stack: ExitStack, tmp_path: Path) -> None:
    """With Receive Maximum 2 and Maximum Packet Size 600, no more is in flight and no packet is larger."""
    bounds = bytes([0x21, 0, 2, 0x27, 0, 0, 2, 88])
    in_flight: set[int] = set()
    most = [0]
    waiting: list[int] = []

    def answer(received: Packet) -> bytes | None:
        if received.kind == CONNECT:
            return connack(properties=bounds)
        if received.kind != PUBLISH:
            return normal_answer(received)
        in_flight.add(received.mid)
        most[0] = max(most[0], len(in_flight))
        waiting.append(received.mid)
        if len(waiting) < 2 and received.topic != TOPICS.status:
            return b""
        answers = b"".join(packet(PUBACK, mid.to_bytes(2, "big")) for mid in waiting)
        in_flight.difference_update(waiting)
        waiting.clear()
        return answers

    broker = exit_stack.enter_context(RawBroker(answer))
    node = OutboxPublisher(tmp_path, broker.port)
    node.retained.set_discovery(b"x" * 800)
    node.outbox.put([event(number) for number in range(20)])
    node.outbox.put([event(20, padding=600), event(21), event(22)])
    exit_stack.enter_context(closing(node.start()))
    assert eventually(lambda: broker.published().count(EVENT) >= 21)
    assert most[0] <= 2
    assert max(each.size for each in broker.packets) <= 600
    assert TOPICS.discovery not in broker.published()
    assert node.outbox.counts().rejected == 1


def test_a_broker_that_disconnects_on_discovery_still_gets_the_events(
    exit_stack: ExitStack, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """MQTT 3.1.1 gives no reason: after repeated disconnects the discovery is skipped, and the log says so."""

    def answer(received: Packet) -> bytes | None:
        return None if received.topic == TOPICS.discovery else normal_answer(received)

    broker = exit_stack.enter_context(RawBroker(answer))
    node = OutboxPublisher(tmp_path, broker.port, protocol="3.1.1")
    node.retained.set_discovery(b"x" * 2000)
    node.outbox.put([event(1)])
    exit_stack.enter_context(closing(node.start()))
    assert node.publisher.drain(10)
    assert broker.published().count(TOPICS.discovery) == 3
    assert any(TOPICS.discovery in record.message for record in caplog.records)


def test_a_message_refused_as_too_large_by_disconnect_is_rejected(exit_stack: ExitStack, tmp_path: Path) -> None:
    """A broker that states its limit only by disconnecting does not stop the other messages."""

    def answer(received: Packet) -> bytes | None:
        return packet(DISCONNECT, b"\x95") if received.size > 600 else normal_answer(received)

    broker = exit_stack.enter_context(RawBroker(answer))
    node = OutboxPublisher(tmp_path, broker.port)
    node.outbox.put([event(1), event(2, padding=600), event(3)])
    exit_stack.enter_context(closing(node.start()))
    assert node.publisher.drain(10)
    assert node.outbox.counts().rejected == 1


@pytest.mark.parametrize("largest", [1, 10, 511])
def test_a_broker_that_takes_no_event_is_refused_and_the_events_wait_for_the_next(
    exit_stack: ExitStack, tmp_path: Path, caplog: pytest.LogCaptureFixture, largest: int
) -> None:
    """Its Maximum Packet Size would reject all events for good; a broker that is mended gets them all."""
    mended = threading.Event()

    def answer(received: Packet) -> bytes | None:
        if received.kind == CONNECT and not mended.is_set():
            return connack(properties=b"\x27" + largest.to_bytes(4, "big"))
        return normal_answer(received)

    broker = exit_stack.enter_context(RawBroker(answer))
    node = OutboxPublisher(tmp_path, broker.port)
    node.outbox.put([event(number, padding=150) for number in range(5)])
    exit_stack.enter_context(closing(node.start()))
    assert eventually(lambda: len([each for each in broker.packets if each.kind == CONNECT]) > 3)
    assert (node.outbox.counts().waiting, node.outbox.counts().rejected) == (5, 0)
    assert broker.published() == []
    sentence = f"takes at most {largest} bytes a packet, and an event needs 512: raise the broker's maximum packet size"
    assert len([record for record in caplog.records if sentence in record.message]) == 1
    mended.set()
    assert node.publisher.drain(10)
    assert broker.published().count(EVENT) == 5


def test_a_broker_that_calls_an_event_too_large_by_disconnect_rejects_none(
    exit_stack: ExitStack, tmp_path: Path
) -> None:
    """No event has more than 512 bytes, so the fault is the broker's: all wait until it is mended."""
    mended = threading.Event()

    def answer(received: Packet) -> bytes | None:
        return packet(DISCONNECT, b"\x95") if received.size > 100 and not mended.is_set() else normal_answer(received)

    broker = exit_stack.enter_context(RawBroker(answer))
    node = OutboxPublisher(tmp_path, broker.port)
    node.outbox.put([event(number, padding=150) for number in range(5)])
    exit_stack.enter_context(closing(node.start()))
    assert eventually(lambda: len([each for each in broker.packets if each.kind == CONNECT]) > 4)
    assert (node.outbox.counts().waiting, node.outbox.counts().rejected) == (5, 0)
    mended.set()
    assert node.publisher.drain(10)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
@pytest.mark.parametrize("topic", ["facenode/pi-1/request/check", "homeassistant/status"])
def test_after_a_retained_message_that_is_too_large_the_next_connection_lacks_its_subscription(
    exit_stack: ExitStack, tmp_path: Path, caplog: pytest.LogCaptureFixture, protocol: str, topic: str
) -> None:
    """It would end every connection. Events go on, `requests` says it, and the log why; one reconnect is enough."""

    def answer(received: Packet) -> bytes | None:
        granted = normal_answer(received)
        if granted is None or received.kind != SUBSCRIBE or _covered(received) not in topic:
            return granted
        return granted + b"\x33\x80\xc2\xd7\x2f" + len(topic).to_bytes(2, "big") + topic.encode()

    broker = exit_stack.enter_context(RawBroker(answer))
    node = OutboxPublisher(tmp_path, broker.port, protocol=protocol, receive=True)
    node.retained.set_discovery(b"{}")
    exit_stack.enter_context(closing(node.start()))
    assert eventually(lambda: any(each.connection == 1 for each in broker.packets))
    for number in range(20):
        node.outbox.put([event(number)])
    assert node.publisher.drain(10)
    assert broker.packets[-1].connection == 1
    filters = {_covered(each) for each in broker.packets if each.kind == SUBSCRIBE and each.connection == 1}
    assert filters == {"facenode/pi-1/request/", "homeassistant/status"} - {_start_of(topic)}
    assert node.publisher.requests == ("paused" if "request" in topic else "on")
    logged = "\n".join(record.message for record in caplog.records)
    assert f"{topic}: a retained message of 100,000,005 bytes arrived, more than 65,536: remove it" in logged
    assert "paused: a message was too large: not subscribed for 10 minutes" in logged


def _covered(subscribe: Packet) -> str:
    """Return the topic of a SUBSCRIBE, without the wildcard at its end."""
    start = 3 if subscribe.mqtt5 else 2
    end = start + 2 + int.from_bytes(subscribe.body[start : start + 2], "big")
    return subscribe.body[start + 2 : end].decode().rstrip("#")


def _start_of(topic: str) -> str:
    return topic.removesuffix("check")


@pytest.mark.broker
def test_a_session_taken_over_by_the_same_client_id_is_reported(mosquitto: Callable[..., Mosquitto]) -> None:
    """Newer brokers give the reason of a take-over, older ones only close the connection."""
    broker = mosquitto()
    reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
    with closing(open_link(broker.port, reports.put)), closing(open_link(broker.port)):
        lost = reports.get(timeout=5)
    assert isinstance(lost, Lost)
    assert "two nodes have the same node.id" in lost.sentence or "closed the connection" in lost.sentence


@pytest.mark.broker
def test_a_denied_publish_has_its_reason_code(mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> None:
    """Only the reason code of the PUBACK shows that the access list denied the message."""
    acl = tmp_path / "acl"
    acl.write_text("topic readwrite nothing\n")
    broker = mosquitto("allow_anonymous true", f"acl_file {acl}")
    reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
    with closing(open_link(broker.port, reports.put)) as link:
        mid = link.publish(Message(EVENT, b"{}"))
        assert reports.get(timeout=5) == Acknowledged(mid, 0x87)


@pytest.mark.parametrize(
    ("properties", "words"),
    [(b"\x25\x00", "does not support retained messages"), (b"\x24\x00", "does not support QoS 1")],
)
def test_a_broker_that_says_that_it_lacks_what_the_last_will_needs_is_not_used(properties: bytes, words: str) -> None:
    """A node that publishes there would only be disconnected; a client without a last will may use it."""

    def answer(received: Packet) -> bytes | None:
        return connack(properties=properties) if received.kind == CONNECT else normal_answer(received)

    with RawBroker(answer) as broker:
        with pytest.raises(BrokerError, match=words):
            open_link(broker.port)
        settings = MqttSettings(host="127.0.0.1", port=broker.port, protocol="5")
        connect(settings, Client("reader"), lambda _report: None, SHORT).close()


def open_sockets() -> int:
    """Return how many sockets this process holds."""
    found = 0
    for each in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # that of the listing itself
            found += str(each.readlink()).startswith("socket:")
    return found


@pytest.mark.parametrize("broken", [False, True])
def test_a_connection_that_is_closed_holds_no_socket(*, broken: bool) -> None:
    """Paho would leave them to the garbage collector: after a usual end, and after a packet without sense."""
    lost = threading.Event()
    with RawBroker(normal_answer) as broker:
        before = open_sockets()
        with closing(open_link(broker.port, lambda report: lost.set() if isinstance(report, Lost) else None)) as link:
            assert open_sockets() > before + 1
            if broken:
                broker.send(b"\x30\x02\xff\xff")
                assert lost.wait(10)
        assert eventually(lambda: open_sockets() <= before + 1)  # the broker's own end
        del link  # held until here
