"""Broker settings and a client -> a connection that sends one packet at a time and waits for the broker's answer."""

import queue
import time
from collections.abc import Callable, Collection

from node.contract.message import Message
from node.errors import BrokerError
from node.mqtt.connect import connect
from node.mqtt.link import Acknowledged, Client, Lost, Received, Report, Subscribed
from node.settings import MqttSettings

_ANSWER_S = 5.0


class Conversation:
    """A connection on which each packet has its answer before the next one is sent.

    Args:
        settings: the broker.
        client: the client that connects.
        watched: the topics whose messages are kept; all others are dropped as they come.

    Attributes:
        retained: the latest retained payload that was delivered, by topic.
        live: the latest other payload that was delivered, by topic.

    Raises:
        BrokerError: the broker cannot be reached or refuses the connection.
    """

    def __init__(self, settings: MqttSettings, client: Client, watched: Collection[str]) -> None:
        self._inbox: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._watched = watched
        self._answers: dict[int, int] = {}
        self._granted: list[int] = []
        self.retained: dict[str, bytes] = {}
        self.live: dict[str, bytes] = {}
        self._link = connect(settings, client, self._inbox.put)

    @property
    def protocol(self) -> str:
        """The MQTT version of the connection, `5` or `3.1.1`."""
        return self._link.protocol

    @property
    def max_bytes(self) -> int | None:
        """The largest packet that the broker accepts, None if it did not say."""
        return self._link.max_bytes

    def subscribe(self, topic: str) -> int:
        """Subscribe with QoS 1 and return the code of the answer.

        Raises:
            BrokerError: there is no answer, or the connection ends.
        """
        self._granted.clear()
        self._link.subscribe(topic)
        if not self.wait(lambda: bool(self._granted), _ANSWER_S):
            raise BrokerError(f"the broker does not answer the subscription within {_ANSWER_S:g} s")
        return self._granted[0]

    def publish(self, message: Message) -> int:
        """Publish a message and return the code of the answer.

        Raises:
            BrokerError: there is no answer, or the connection ends.
        """
        mid = self._link.publish(message)
        if not self.wait(lambda: mid in self._answers, _ANSWER_S):
            raise BrokerError(f"the broker does not acknowledge the message within {_ANSWER_S:g} s")
        return self._answers.pop(mid)

    def wait(self, done: Callable[[], bool], timeout_s: float) -> bool:
        """Take what arrives until `done` returns true; return whether it has within `timeout_s`.

        Raises:
            BrokerError: the connection ends.
        """
        until_s = time.monotonic() + timeout_s
        while not done():
            try:
                self._take(self._inbox.get(timeout=max(0.0, until_s - time.monotonic())))
            except queue.Empty:
                return done()
        return True

    def close(self) -> None:
        """Disconnect cleanly."""
        self._link.close()

    def _take(self, report: Report) -> None:
        match report:
            case Acknowledged(mid=mid, code=code):
                self._answers[mid] = code
            case Subscribed(code=code):
                self._granted.append(code)
            case Received(topic=topic, payload=payload, retained=retained) if topic in self._watched:
                (self.retained if retained else self.live)[topic] = payload
            case Lost(sentence=sentence):
                raise BrokerError(sentence)
            case _:
                pass
