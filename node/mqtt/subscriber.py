"""Broker settings -> messages of all nodes until enough was seen, or messages that the broker must have."""

import queue
import secrets
import time
from collections.abc import Callable, Iterable

from node.contract.message import Message
from node.contract.topics import ROOT
from node.errors import BrokerError
from node.mqtt import reason_codes
from node.mqtt.connect import connect
from node.mqtt.link import Acknowledged, Client, Link, Lost, Received, Report, Subscribed
from node.settings import MqttSettings

_POLL_S = 0.1
_ANSWER_S = 15.0


class Observer:
    """A subscriber that others of its kind do not disturb. It publishes only what it is told to.

    Args:
        settings: the broker.
        mono_s: seconds of the monotonic clock.
    """

    def __init__(self, settings: MqttSettings, mono_s: Callable[[], float] = time.monotonic) -> None:
        self._mono_s = mono_s
        self._inbox: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._link: Link = connect(settings, Client(f"{ROOT}-fleet-{secrets.token_hex(4)}"), self._inbox.put)

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
            self._link.subscribe(each)
        while not enough():
            report = self._next()
            match report:
                case Received():
                    take(report)
                case Subscribed(code=code) if code >= reason_codes.SUCCESS_BELOW:
                    raise BrokerError(f"a subscription is refused: {reason_codes.describe(code)}")
                case Lost(sentence=sentence):
                    raise BrokerError(sentence)
                case _:
                    pass

    def deliver(self, messages: Iterable[Message]) -> None:
        """Publish messages and wait until the broker has them all.

        Raises:
            BrokerError: the broker refuses one or leaves it without an answer, or the connection ends.
        """
        missing = {self._link.publish(message): message.topic for message in messages}
        until_s = self._mono_s() + _ANSWER_S
        while missing:
            report = self._next()
            match report:
                case Acknowledged(mid=mid, code=code):
                    topic = missing.pop(mid, "")
                    if code >= reason_codes.SUCCESS_BELOW:
                        raise BrokerError(f"{topic}: {reason_codes.describe(code)}")
                case Lost(sentence=sentence):
                    raise BrokerError(sentence)
                case _:
                    pass
            if self._mono_s() > until_s:
                raise BrokerError(f"{next(iter(missing.values()))}: the broker does not answer")

    def close(self) -> None:
        """Leave."""
        self._link.close()

    def _next(self) -> Report | None:
        """Return what the connection reports, None if it reports nothing for a moment."""
        try:
            return self._inbox.get(timeout=_POLL_S)
        except queue.Empty:
            return None
