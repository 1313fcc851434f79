"""Outbox, retained messages and publisher against a real broker."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from fake_link import event
from makers import instant
from mosquitto_broker import Mosquitto, Subscriber, eventually, free_port

from node.clock import SystemClock
from node.contract import payloads
from node.contract.message import Message
from node.contract.topics import Topics
from node.domain import Box, Event, EventType
from node.errors import BrokerError
from node.mqtt.backoff import Timing
from node.mqtt.connect import connect
from node.mqtt.link import Client, Timeouts
from node.mqtt.publisher import Publisher
from node.mqtt.retained import Retained
from node.outbox.outbox import Outbox
from node.requests.answer import Answer
from node.requests.dispatcher import Dispatcher
from node.requests.inbox import Inbox
from node.requests.request import Restart, SetPrivacy
from node.requests.switches import SwitchRequests
from node.settings import MqttSettings

pytestmark = pytest.mark.broker

TOPICS = Topics("pi-1")
QUICK = Timing(first_s=0.05, max_s=0.2, birth_s=0.1)


class MqttNode:
    """The MQTT part of a node."""

    def __init__(self, folder: Path, settings: MqttSettings, topics: Topics = TOPICS) -> None:
        client = Client(topics.client_id, payloads.last_will(topics))
        self.outbox = Outbox(folder, topics, SystemClock())
        self.retained = Retained(topics, payloads.state(instant(0)))
        self.inbox = Inbox(topics, self._send)
        self.switches = SwitchRequests(folder, instant(0))
        self.publisher = Publisher(
            topics,
            self.outbox,
            self.retained,
            lambda report: connect(settings, client, report),
            receive=self.inbox.receive,
            timing=QUICK,
        )
        self.publisher.start()

    def _send(self, topic: str, payload: bytes) -> None:
        self.publisher.send(Message(topic, payload))

    def restart(self, transaction: str) -> None:
        """Request a restart."""
        answer = Answer(transaction, lambda payload: self._send(TOPICS.response("restart"), payload))
        self.switches.restart(Restart(), instant(1), answer)

    def close(self) -> None:
        """Stop the publisher and close the outbox."""
        self.publisher.stop(payloads.state(instant(9)))
        self.outbox.close()


@pytest.fixture
def exit_stack() -> Iterator[ExitStack]:
    """Return a stack that closes everything, latest first."""
    with ExitStack() as stack:
        yield stack


def test_status_goes_from_online_to_offline(
    mosquitto: Callable[..., Mosquitto], exit_stack: ExitStack, tmp_path: Path
) -> None:
    """A subscriber sees online, state, discovery, events and offline; only status, state, discovery stay retained."""
    broker = mosquitto()
    seen = exit_stack.enter_context(closing(Subscriber(broker.settings())))
    node = MqttNode(tmp_path / "node", broker.settings())
    node.retained.set_discovery(b'{"dev":{}}')
    stranger = Event(EventType.UNKNOWN, instant(1), 1, Box(0.1, 0.1, 0.2, 0.2))
    node.outbox.put(payloads.encode((stranger,), (), TOPICS, "3f9a1c02"))
    assert node.publisher.drain(10)
    node.close()
    assert eventually(lambda: seen.on(TOPICS.status)[-1:] == [b"offline"])
    assert seen.messages[0].topic == TOPICS.status
    assert seen.on(TOPICS.status) == [b"online", b"offline"]
    (published,) = seen.on("facenode/pi-1/event/unknown")
    assert json.loads(published)["seq"] == 1
    later = exit_stack.enter_context(closing(Subscriber(broker.settings(), client_id="later")))
    assert eventually(lambda: len(later.messages) == 3)
    assert {message.topic for message in later.messages} == {TOPICS.status, TOPICS.state, TOPICS.discovery}
    assert json.loads(later.on(TOPICS.state)[0])["count"] == 0


def test_events_wait_while_the_broker_is_away(
    mosquitto: Callable[..., Mosquitto], exit_stack: ExitStack, tmp_path: Path
) -> None:
    """A restart of the broker loses no event and keeps the order."""
    broker = mosquitto()
    node = exit_stack.enter_context(closing(MqttNode(tmp_path / "node", broker.settings())))
    assert node.publisher.wait_connected(10)
    broker.kill()
    node.outbox.put([event(number) for number in range(100)])
    broker.start()
    seen = exit_stack.enter_context(closing(Subscriber(broker.settings(), "facenode/+/event/+")))
    node.outbox.put([event(number) for number in range(100, 200)])
    assert node.publisher.drain(20)
    assert node.outbox.counts().waiting == 0
    numbers = [json.loads(message.payload)["number"] for message in seen.messages]
    assert numbers == sorted(numbers)


def test_the_last_will_says_offline(mosquitto: Callable[..., Mosquitto], exit_stack: ExitStack, tmp_path: Path) -> None:
    """The last will of a node that disappears sets the retained status to `offline`."""
    broker = mosquitto()
    node = MqttNode(tmp_path / "node", broker.settings())
    assert node.publisher.wait_connected(10)
    seen = exit_stack.enter_context(closing(Subscriber(broker.settings(), TOPICS.status)))
    assert eventually(lambda: seen.on(TOPICS.status) == [b"online"])
    thief = connect(broker.settings(), Client(TOPICS.client_id), lambda _report: None)
    assert eventually(lambda: b"offline" in seen.on(TOPICS.status))
    thief.close()
    node.close()


def test_a_denied_publish_is_rejected_and_counted(
    mosquitto: Callable[..., Mosquitto], exit_stack: ExitStack, tmp_path: Path
) -> None:
    """A publish that the access list denies counts as rejected, not as delivered."""
    acl = tmp_path / "acl"
    acl.write_text("topic readwrite facenode/pi-1/event/left\ntopic readwrite facenode/pi-1/status\n")
    broker = mosquitto("allow_anonymous true", f"acl_file {acl}")
    node = exit_stack.enter_context(closing(MqttNode(tmp_path / "node", broker.settings())))
    node.outbox.put([event(1, "unknown"), event(2, "left"), event(3, "unknown")])
    assert node.publisher.drain(10)
    assert node.outbox.counts().rejected == 2
    assert node.outbox.counts().dropped == 0


def test_discovery_is_republished_on_home_assistants_birth(
    mosquitto: Callable[..., Mosquitto], exit_stack: ExitStack, tmp_path: Path
) -> None:
    """Home Assistant publishes `online`, not retained, after its start."""
    broker = mosquitto()
    seen = exit_stack.enter_context(closing(Subscriber(broker.settings())))
    node = exit_stack.enter_context(closing(MqttNode(tmp_path / "node", broker.settings())))
    node.retained.set_discovery(b'{"dev":{}}')
    assert eventually(lambda: len(seen.on(TOPICS.discovery)) == 1)
    seen.publish(TOPICS.births[0], b"online")
    assert eventually(lambda: len(seen.on(TOPICS.discovery)) == 2)


def test_ten_thousand_events_drain_at_a_thousand_a_second(
    mosquitto: Callable[..., Mosquitto], exit_stack: ExitStack, tmp_path: Path
) -> None:
    """A backlog of 10,000 events is published within 10 s on loopback."""
    broker = mosquitto()
    with closing(Outbox(tmp_path / "node", TOPICS, SystemClock())) as outbox:
        for start in range(0, 10_000, 500):
            outbox.put([event(number, padding=250) for number in range(start, start + 500)])
    node = exit_stack.enter_context(closing(MqttNode(tmp_path / "node", broker.settings())))
    assert node.publisher.drain(10)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_wrong_password_has_its_own_message(
    mosquitto: Callable[..., Mosquitto], tmp_path: Path, protocol: str
) -> None:
    """A refused login has its own error message in both protocol versions."""
    passwords = tmp_path / "passwords"
    passwords.write_text("pi-1:$7$101$AAAA$AAAA\n")
    broker = mosquitto("allow_anonymous false", f"password_file {passwords}")
    secret = tmp_path / "secret"
    secret.write_text("wrong\n")
    settings = broker.settings(username="pi-1", password_file=str(secret), protocol=protocol)
    with pytest.raises(BrokerError, match="refuses the login"):
        connect(settings, Client("facenode-pi-1"), lambda _report: None)


def test_a_closed_port_has_its_own_message() -> None:
    """A refused TCP connection has its own error message."""
    settings = MqttSettings(host="127.0.0.1", port=free_port())
    with pytest.raises(BrokerError, match="no server is listening"):
        connect(settings, Client("facenode-pi-1"), lambda _report: None, Timeouts(1, 1))


def test_a_request_is_answered_by_the_main_loop(
    mosquitto: Callable[..., Mosquitto], exit_stack: ExitStack, tmp_path: Path
) -> None:
    """A request is applied on the loop's thread, and the response carries its transaction."""
    broker = mosquitto()
    seen = exit_stack.enter_context(closing(Subscriber(broker.settings(), "facenode/+/response/#")))
    node = exit_stack.enter_context(closing(MqttNode(tmp_path / "node", broker.settings())))
    assert node.publisher.wait_connected(10)
    request = json.dumps({"transaction": "t-1", "state": "on"}).encode()

    def applied() -> bool:
        seen.publish(TOPICS.request("privacy"), request)
        Dispatcher(node.inbox, {SetPrivacy: node.switches.set_privacy}).dispatch(instant(1))
        return not node.switches.watching

    assert eventually(applied)
    assert eventually(lambda: seen.on(TOPICS.response("privacy")) == [b'{"transaction":"t-1","status":"ok"}'])


def test_the_last_response_is_published_before_offline(
    mosquitto: Callable[..., Mosquitto], exit_stack: ExitStack, tmp_path: Path
) -> None:
    """The sender of a restart request receives its response."""
    broker = mosquitto()
    seen = exit_stack.enter_context(closing(Subscriber(broker.settings(), "facenode/pi-1/#")))
    node = MqttNode(tmp_path / "node", broker.settings())
    assert node.publisher.wait_connected(10)
    node.restart("t-2")
    node.close()
    assert eventually(lambda: seen.on(TOPICS.status)[-1:] == [b"offline"])
    topics = [message.topic for message in seen.messages]
    assert topics.index(TOPICS.response("restart")) < len(topics) - 1
