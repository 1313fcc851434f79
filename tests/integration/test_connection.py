"""Brokers that misbehave: each fault has its own sentence, and none of them loses a message or stops the node."""

import queue
import random
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from brokers import event
from makers import instant
from rawbroker import CONNECT, DISCONNECT, PUBACK, PUBLISH, Packet, RawBroker, connack, packet, politely
from realbroker import Mosquitto, eventually

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
def closer() -> Iterator[ExitStack]:
    """Return what closes everything in the end, latest first."""
    with ExitStack() as stack:
        yield stack


def dial(port: int, report: Callable[[Report], None] = lambda _report: None, protocol: str = "5") -> Link:
    """Connect with little patience."""
    settings = MqttSettings.model_validate({"host": "127.0.0.1", "port": port, "protocol": protocol})
    return connect(settings, NODE, report, SHORT)


class Post:
    """A publisher with an outbox; quick to try again."""

    def __init__(self, folder: Path, port: int, *, ack_s: float = 15.0, protocol: str = "5") -> None:
        self.outbox = Outbox(folder, TOPICS, SystemClock())
        self.retained = Retained(TOPICS, payloads.state(instant(0)))
        timing = Timing(first_s=0.02, max_s=0.05, ack_s=ack_s)
        self.publisher = Publisher(
            TOPICS, self.outbox, self.retained, lambda report: dial(port, report, protocol), timing=timing
        )

    def start(self) -> "Post":
        """Start the publisher."""
        self.publisher.start()
        return self

    def close(self) -> None:
        """Take leave."""
        self.publisher.stop(payloads.state(instant(9)), 1.0)
        self.outbox.close()


def test_who_accepts_and_says_nothing_is_no_broker() -> None:
    """A port that answers TCP alone is never `online`, and the attempt ends in time."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began_s = time.monotonic()
        with pytest.raises(BrokerError, match="does not answer"):
            dial(silent.getsockname()[1])
    assert time.monotonic() - began_s < 3


_AS_LOGIN = {0x87: 0x86}
"""Mosquitto answers a wrong password with `not authorised`: before the connection stands, both mean the login."""


@pytest.mark.parametrize("code", [0x80, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x97, 0x9A, 0x9B, 0x9D, 0x9F])
def test_a_refusal_is_not_a_connection(code: int) -> None:
    """A CONNACK with a bad reason code is not connected, and its sentence is its own."""
    with RawBroker(lambda _asked: connack(code)) as broker, pytest.raises(BrokerError) as caught:
        dial(broker.port)
    assert reason_codes.describe(_AS_LOGIN.get(code, code)) in str(caught.value)


@pytest.mark.parametrize("code", [2, 3, 4, 5])
def test_a_refusal_in_3_1_1_is_not_a_connection_either(code: int) -> None:
    """The older version has codes of its own, and the same sentences."""
    with RawBroker(lambda _asked: connack(code, five=False)) as broker, pytest.raises(BrokerError) as caught:
        dial(broker.port, protocol="3.1.1")
    wanted = {2: 0x85, 3: 0x88, 4: 0x86, 5: 0x86}[code]
    assert reason_codes.describe(wanted) in str(caught.value)


def test_a_broker_of_3_1_1_is_never_spoken_to_in_3_1() -> None:
    """3.1 is none of our versions: a broker that refuses 3.1.1 is refused."""
    with RawBroker(lambda _asked: connack(1, five=False)) as broker, pytest.raises(BrokerError):
        dial(broker.port, protocol="auto")
    assert [each.five for each in broker.packets if each.kind == CONNECT] == [True, False]


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x20\x02\x00", b"\xff" * 64, b"\x20\xff\xff\xff\xff\xff", b"\x30\x00"],
)
def test_what_is_not_mqtt_is_no_broker(answer: bytes) -> None:
    """Whatever bytes come, there is a sentence and no connection."""
    with RawBroker(lambda _asked: answer) as broker, pytest.raises(BrokerError, match=f"127.0.0.1:{broker.port}: "):
        dial(broker.port)


@pytest.mark.parametrize(("code", "words"), [(0x8E, "same node.id"), (0x8B, "shutting down"), (0x98, "closed the")])
def test_a_goodbye_of_the_broker_is_told(code: int, words: str) -> None:
    """MQTT 5 says why a connection ends."""
    reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
    with RawBroker() as broker, closing(dial(broker.port, reports.put)):
        broker.send(packet(DISCONNECT, bytes([code])))
        lost = reports.get(timeout=5)
    assert isinstance(lost, Lost)
    assert lost.code == code
    assert words in lost.sentence


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_never_stay_unnoticed_or_raise(seed: int) -> None:
    """A broken broker ends the connection; it neither hangs the network thread nor kills it unseen."""
    noise = random.Random(seed).randbytes(400)
    reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
    with RawBroker() as broker, closing(dial(broker.port, reports.put)):
        broker.send(noise)
        broker.close_latest()
        while not isinstance(reports.get(timeout=5), Lost):
            pass


def test_a_publish_without_an_answer_ends_the_connection_and_is_sent_again(closer: ExitStack, tmp_path: Path) -> None:
    """A broker that hangs is found by its silence."""

    def answer(asked: Packet) -> bytes | None:
        return b"" if asked.topic == EVENT and asked.connection == 0 else politely(asked)

    broker = closer.enter_context(RawBroker(answer))
    post = closer.enter_context(closing(Post(tmp_path, broker.port, ack_s=0.5).start()))
    post.outbox.put([event(1)])
    assert post.publisher.drain(10)
    assert broker.published().count(EVENT) == 2


@pytest.mark.parametrize("code", [0x80, 0x83, 0x97])
def test_a_passing_refusal_delays_and_loses_nothing(closer: ExitStack, tmp_path: Path, code: int) -> None:
    """A quota that is used up comes back: the row stays until then."""
    refused: list[int] = []

    def answer(asked: Packet) -> bytes | None:
        if asked.topic == EVENT and not refused:
            refused.append(asked.mid)
            return packet(PUBACK, asked.mid.to_bytes(2, "big") + bytes([code]))
        return politely(asked)

    broker = closer.enter_context(RawBroker(answer))
    post = closer.enter_context(closing(Post(tmp_path, broker.port).start()))
    post.outbox.put([event(1)])
    assert post.publisher.drain(10)
    assert broker.published().count(EVENT) == 2
    assert post.outbox.counts().rejected == 0


@pytest.mark.parametrize("code", [0x87, 0x90, 0x99])
def test_a_final_refusal_rejects_and_goes_on(closer: ExitStack, tmp_path: Path, code: int) -> None:
    """What is never taken is counted, and the next message goes out."""

    def answer(asked: Packet) -> bytes | None:
        if asked.topic.endswith("/left"):
            return packet(PUBACK, asked.mid.to_bytes(2, "big") + bytes([code]))
        return politely(asked)

    broker = closer.enter_context(RawBroker(answer))
    post = closer.enter_context(closing(Post(tmp_path, broker.port).start()))
    post.outbox.put([event(1, "left"), event(2)])
    assert post.publisher.drain(10)
    assert post.outbox.counts().rejected == 1
    assert EVENT in broker.published()


def test_the_brokers_bounds_are_kept(closer: ExitStack, tmp_path: Path) -> None:
    """Receive Maximum 2 and Maximum Packet Size 300: never more at once, nothing larger."""
    bounds = bytes([0x21, 0, 2, 0x27, 0, 0, 1, 44])
    flying: set[int] = set()
    most = [0]
    waiting: list[int] = []

    def answer(asked: Packet) -> bytes | None:
        if asked.kind == CONNECT:
            return connack(properties=bounds)
        if asked.kind != PUBLISH:
            return politely(asked)
        flying.add(asked.mid)
        most[0] = max(most[0], len(flying))
        waiting.append(asked.mid)
        if len(waiting) < 2 and asked.topic != TOPICS.status:
            return b""
        answers = b"".join(packet(PUBACK, mid.to_bytes(2, "big")) for mid in waiting)
        flying.difference_update(waiting)
        waiting.clear()
        return answers

    broker = closer.enter_context(RawBroker(answer))
    post = Post(tmp_path, broker.port)
    post.retained.set_discovery(b"x" * 400)
    post.outbox.put([event(number) for number in range(20)])
    post.outbox.put([event(20, padding=300), event(21), event(22)])
    closer.enter_context(closing(post.start()))
    assert eventually(lambda: broker.published().count(EVENT) >= 21)
    assert most[0] <= 2
    assert max(each.size for each in broker.packets) <= 300
    assert TOPICS.discovery not in broker.published()
    assert post.outbox.counts().rejected == 1


def test_a_broker_that_chokes_on_discovery_still_gets_the_events(
    closer: ExitStack, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """MQTT 3.1.1 cannot say what it takes: who closes the connection on each discovery is spared it, and told so."""

    def answer(asked: Packet) -> bytes | None:
        return None if asked.topic == TOPICS.discovery else politely(asked)

    broker = closer.enter_context(RawBroker(answer))
    post = Post(tmp_path, broker.port, protocol="3.1.1")
    post.retained.set_discovery(b"x" * 2000)
    post.outbox.put([event(1)])
    closer.enter_context(closing(post.start()))
    assert post.publisher.drain(10)
    assert broker.published().count(TOPICS.discovery) == 3
    assert any(TOPICS.discovery in record.message for record in caplog.records)


def test_a_message_that_ends_the_connection_as_too_large_is_rejected(closer: ExitStack, tmp_path: Path) -> None:
    """A broker that tells its bound only by closing the connection does not stop everything else."""

    def answer(asked: Packet) -> bytes | None:
        return packet(DISCONNECT, b"\x95") if asked.size > 300 else politely(asked)

    broker = closer.enter_context(RawBroker(answer))
    post = Post(tmp_path, broker.port)
    post.outbox.put([event(1), event(2, padding=300), event(3)])
    closer.enter_context(closing(post.start()))
    assert post.publisher.drain(10)
    assert post.outbox.counts().rejected == 1


@pytest.mark.broker
def test_who_is_thrown_out_by_a_twin_notices(mosquitto: Callable[..., Mosquitto]) -> None:
    """A client of the same id takes the connection over; newer brokers say so, older ones just close it."""
    broker = mosquitto()
    reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
    with closing(dial(broker.port, reports.put)), closing(dial(broker.port)):
        lost = reports.get(timeout=5)
    assert isinstance(lost, Lost)
    assert "two nodes have the same node.id" in lost.sentence or "closed the connection" in lost.sentence


@pytest.mark.broker
def test_a_denied_publish_has_its_reason_code(mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> None:
    """The client library calls it published; only the answer's code tells."""
    acl = tmp_path / "acl"
    acl.write_text("topic readwrite nothing\n")
    broker = mosquitto("allow_anonymous true", f"acl_file {acl}")
    reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
    with closing(dial(broker.port, reports.put)) as link:
        mid = link.publish(Message(EVENT, b"{}"))
        assert reports.get(timeout=5) == Acknowledged(mid, 0x87)
