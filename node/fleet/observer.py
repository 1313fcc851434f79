"""Broker settings -> messages of all nodes, until enough was seen or the time is over."""

import queue
import secrets
import time
from collections.abc import Callable

from node.errors import BrokerError
from node.mqtt import failures
from node.mqtt.connection import connect
from node.mqtt.link import Client, Link, Lost, Received, Report, Subscribed
from node.mqtt.topics import ROOT
from node.settings import MqttSettings

_POLL_S = 0.1


class Observer:
    """A subscriber that others of its kind do not disturb. It only listens, unless told to publish.

    Args:
        settings: the broker.
        mono_s: seconds of the monotonic clock.
    """

    def __init__(self, settings: MqttSettings, mono_s: Callable[[], float] = time.monotonic) -> None:
        self._mono_s = mono_s
        self._inbox: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self.link: Link = connect(settings, Client(f"{ROOT}-fleet-{secrets.token_hex(4)}"), self._inbox.put)

    def collect(self, filters: tuple[str, ...], take: Callable[[Received], object], quiet_s: float) -> None:
        """Give `take` all that is retained: until none came for `quiet_s`.

        The end of what is retained is not marked in MQTT, and live messages of a large fleet never pause.

        Raises:
            BrokerError: a subscription is refused, or the connection ends.
        """
        last_s = self._mono_s()

        def note(message: Received) -> None:
            nonlocal last_s
            if message.retained:
                last_s = self._mono_s()
            take(message)

        self.listen(filters, note, lambda: self._mono_s() - last_s >= quiet_s)

    def listen(self, filters: tuple[str, ...], take: Callable[[Received], object], enough: Callable[[], bool]) -> None:
        """Give `take` every message until `enough` says so; it is asked at least ten times a second.

        Raises:
            BrokerError: a subscription is refused, or the connection ends.
        """
        for each in filters:
            self.link.subscribe(each)
        while not enough():
            try:
                report = self._inbox.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            match report:
                case Received():
                    take(report)
                case Subscribed(code=code) if code >= failures.SUCCESS_BELOW:
                    raise BrokerError(f"a subscription is refused: {failures.coded(code)}")
                case Lost(sentence=sentence):
                    raise BrokerError(sentence)
                case _:
                    pass

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Publish a message."""
        self.link.publish(topic, payload, retain=retain)

    def close(self) -> None:
        """Leave."""
        self.link.close()
