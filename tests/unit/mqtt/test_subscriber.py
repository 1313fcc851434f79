"""The subscriber: what the broker confirms in time, late or never, and what it refuses, for good or for a moment."""

import itertools
from collections.abc import Callable

import pytest
from fake_link import FakeLink

from node.contract.message import Message
from node.errors import BrokerError
from node.mqtt.link import Client, Link, Lost, Report
from node.mqtt.subscriber import Subscriber
from node.settings import MqttSettings

STATUS, HEALTH = "facenode/hall/status", "facenode/hall/health"


class LateBroker:
    """A broker whose first answer comes 15.3 s after the last publish.

    Args:
        answer: the reason code of the answer to the publish on a topic; None: no answer.
        lost: whether the connection ends with the last publish.
    """

    def __init__(self, answer: Callable[[str], int | None], *, lost: bool = False) -> None:
        self._answer, self._lost = answer, lost
        self.mono_s = itertools.chain([1000.0], itertools.repeat(1015.3)).__next__

    def publish(self, *topics: str) -> None:
        """Publish an empty retained message on each topic, and wait for the confirmations."""
        Subscriber(MqttSettings(), self.mono_s, self._open_link).publish(
            Message(topic, b"", retain=True) for topic in topics
        )

    def _open_link(self, _settings: MqttSettings, _client: Client, report: Callable[[Report], None]) -> Link:
        if self._lost:
            report(Lost("localhost:1883: the broker closed the connection"))
        return FakeLink(report, self._answer)


def test_a_late_confirmation_of_the_last_message_counts() -> None:
    """Nothing is missing any more, so there is nothing to report."""
    LateBroker(lambda _topic: 0).publish(STATUS)


def test_messages_without_confirmation_are_named() -> None:
    """The error names what the broker did not confirm, and only that, and says what to do."""
    broker = LateBroker(lambda topic: 0 if topic == STATUS else None)
    with pytest.raises(BrokerError, match=r"not confirmed within 15 s: facenode/hall/health: check .* again") as raised:
        broker.publish(STATUS, HEALTH, HEALTH)
    assert str(raised.value).count(HEALTH) == 1
    assert STATUS not in str(raised.value)


def test_a_refused_message_is_named() -> None:
    """A broker that refuses a message says so by the reason code of its answer, late or not."""
    with pytest.raises(BrokerError, match=f"{STATUS}: the broker does not allow it"):
        LateBroker(lambda _topic: 0x87).publish(STATUS)


def test_the_end_of_the_connection_is_an_error() -> None:
    """What was not confirmed before it may not have arrived."""
    with pytest.raises(BrokerError, match="the broker closed the connection"):
        LateBroker(lambda _topic: 0, lost=True).publish(STATUS)


class BusyBroker(FakeLink):
    """A broker that refuses the first two subscriptions without a reason.

    Attributes:
        asked_s: when each subscription came.
    """

    def __init__(self, report: Callable[[Report], None], mono_s: Callable[[], float]) -> None:
        super().__init__(report)
        self._mono_s = mono_s
        self.asked_s: list[float] = []

    def subscribe(self, topic: str) -> int:
        """Note when it came, and answer it."""
        self.asked_s.append(self._mono_s())
        self.subscription_code = 0x80 if len(self.asked_s) <= 2 else 1
        return super().subscribe(topic)


def test_a_subscription_that_is_refused_for_a_moment_is_asked_for_again_after_a_pause() -> None:
    """A busy cluster refuses several in the same moment; nothing is quiet before the subscription is granted."""
    mono_s = itertools.count(0.0, 0.5).__next__
    opened: list[BusyBroker] = []

    def open_link(_settings: MqttSettings, _client: Client, report: Callable[[Report], None]) -> Link:
        opened.append(BusyBroker(report, mono_s))
        return opened[0]

    Subscriber(MqttSettings(), mono_s, open_link).collect((STATUS,), lambda _message: None, quiet_s=1.0)
    assert opened[0].filters == [STATUS] * 3
    pauses = [later - earlier for earlier, later in itertools.pairwise(opened[0].asked_s)]
    assert all(pause >= 2.0 for pause in pauses)
