"""A certificate or a password -> a client that tries what the broker should deny, and its results."""

import queue
import time

from mosquitto_broker import eventually

from node.contract.message import Message
from node.mqtt.connect import connect
from node.mqtt.link import Acknowledged, Client, Lost, Received, Report
from node.settings import MqttSettings

_SETTLE_S = 1.5


class Intruder:
    """A client that publishes and subscribes to topics of others.

    Attributes:
        received: the messages that arrived.
        lost_at: the time when the connection was lost, in seconds since 1970; None while it is connected.
    """

    def __init__(self, settings: MqttSettings, client: str = "facenode-intruder") -> None:
        self._inbox: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self.received: list[Received] = []
        self.lost_at: float | None = None
        self._link = connect(settings, Client(client), self._take)

    def publish(self, topic: str, payload: bytes = b"forged", *, retain: bool = False) -> int | None:
        """Publish a message and return the broker's reason code; None if it does not answer."""
        mid = self._link.publish(Message(topic, payload, retain=retain))
        codes: list[int] = []

        def acknowledged() -> bool:
            while not self._inbox.empty():
                report = self._inbox.get()
                if isinstance(report, Received):
                    self.received.append(report)
                elif isinstance(report, Acknowledged) and report.mid == mid:
                    codes.append(report.code)
            return bool(codes)

        eventually(acknowledged, 5)
        return codes[0] if codes else None

    def subscribe(self, topic: str) -> None:
        """Subscribe to a topic filter."""
        self._link.subscribe(topic)

    def received_topics(self, wait_s: float = _SETTLE_S) -> set[str]:
        """Wait, then return the topics of all messages that have arrived."""

        def collect() -> bool:
            while not self._inbox.empty():
                report = self._inbox.get()
                if isinstance(report, Received):
                    self.received.append(report)
            return False

        eventually(collect, wait_s)
        return {message.topic for message in self.received}

    def close(self) -> None:
        """Close the connection."""
        self._link.close()

    def _take(self, report: Report) -> None:
        if isinstance(report, Lost):
            self.lost_at = time.time()
        self._inbox.put(report)
