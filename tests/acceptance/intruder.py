"""A certificate or a password -> somebody who uses the broker as they please, and what comes of it."""

import queue
import time

from realbroker import eventually

from node.contract.message import Message
from node.mqtt.connect import connect
from node.mqtt.link import Acknowledged, Client, Lost, Received, Report
from node.settings import MqttSettings

_A_MOMENT_S = 1.5


class Intruder:
    """Somebody who uses the broker as they please.

    Attributes:
        got: what came.
        lost_at: when the connection ended, seconds since the epoch.
    """

    def __init__(self, settings: MqttSettings, client: str = "facenode-intruder") -> None:
        self._inbox: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self.got: list[Received] = []
        self.lost_at: float | None = None
        self._link = connect(settings, Client(client), self._take)

    def publish(self, topic: str, payload: bytes = b"forged", *, retain: bool = False) -> int | None:
        """Publish and return the broker's answer."""
        mid = self._link.publish(Message(topic, payload, retain=retain))
        codes: list[int] = []

        def answered() -> bool:
            while not self._inbox.empty():
                report = self._inbox.get()
                if isinstance(report, Received):
                    self.got.append(report)
                elif isinstance(report, Acknowledged) and report.mid == mid:
                    codes.append(report.code)
            return bool(codes)

        eventually(answered, 5)
        return codes[0] if codes else None

    def hear(self, topic: str) -> None:
        """Subscribe."""
        self._link.subscribe(topic)

    def heard(self, wait_s: float = _A_MOMENT_S) -> set[str]:
        """Return the topics of what has come after a moment."""

        def collect() -> bool:
            while not self._inbox.empty():
                report = self._inbox.get()
                if isinstance(report, Received):
                    self.got.append(report)
            return False

        eventually(collect, wait_s)
        return {message.topic for message in self.got}

    def close(self) -> None:
        """Leave."""
        self._link.close()

    def _take(self, report: Report) -> None:
        if isinstance(report, Lost):
            self.lost_at = time.time()
        self._inbox.put(report)
