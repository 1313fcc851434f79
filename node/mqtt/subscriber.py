"""Broker settings -> received messages of all nodes, or the proof that the broker has a published message."""

import queue
import secrets
import time
from collections.abc import Callable, Iterable

from node.contract.message import Message
from node.contract.topics import ROOT
from node.errors import BrokerError
from node.mqtt import reason_codes
from node.mqtt.connect import connect
from node.mqtt.grants import Grants
from node.mqtt.link import Acknowledged, Client, Link, Lost, Received, Report, Subscribed
from node.mqtt.packet_bounds import MAX_PACKET_BYTES
from node.mqtt.report_queue import ReportQueue
from node.mqtt.takeover import describe_end
from node.settings import MqttSettings

Connect = Callable[[MqttSettings, Client, Callable[[Report], None]], Link]
"""Opens a connection for a client and passes what comes to a callback."""

_POLL_S = 0.1
_CONFIRM_S = 15.0
_AGAIN_S = 2.0
"""How long after a refusal without a reason a subscription is asked for again."""

_GRANT_S = 60.0
"""How long the broker may take to answer all subscriptions, of which some may be asked for again."""


class Subscriber:
    """A client with a random id, so that several can run at the same time.

    Args:
        settings: the broker.
        mono_s: seconds of the monotonic clock.
        open_link: opens the connection.
        max_packet_bytes: the largest packet to receive.

    Raises:
        BrokerError: the broker cannot be reached or refuses the connection.
    """

    def __init__(
        self,
        settings: MqttSettings,
        mono_s: Callable[[], float] = time.monotonic,
        open_link: Connect = connect,
        max_packet_bytes: int = MAX_PACKET_BYTES,
    ) -> None:
        self._mono_s = mono_s
        self._reports = ReportQueue[Report]()
        client = Client(f"{ROOT}-fleet-{secrets.token_hex(4)}", max_packet_bytes=max_packet_bytes)
        self._link = open_link(settings, client, self._reports.put)
        self._grants = Grants(self._link, ())

    def collect(self, filters: tuple[str, ...], handle: Callable[[Received], object], quiet_s: float) -> None:
        """Pass all retained messages to `handle`; stop when all subscriptions are granted and `quiet_s` seconds quiet.

        MQTT does not mark the end of the retained messages, and live messages of a large fleet never pause.

        Raises:
            BrokerError: the broker refuses a subscription or does not answer it, or the connection ends.
        """
        last_s = began_s = self._mono_s()

        def handle_any(message: Received) -> None:
            nonlocal last_s
            if message.retained:
                last_s = self._mono_s()
            handle(message)

        def quiet() -> bool:
            nonlocal last_s
            now_s = self._mono_s()
            if self._grants.settled:
                return now_s - last_s >= quiet_s
            if now_s - began_s > _GRANT_S:
                raise BrokerError(
                    f"the broker has not answered the subscription to {', '.join(filters)} within {_GRANT_S:g} s: "
                    "check its log and load, then try again"
                )
            last_s = now_s
            return False

        self.listen(filters, handle_any, quiet)

    def listen(self, filters: tuple[str, ...], handle: Callable[[Received], object], done: Callable[[], bool]) -> None:
        """Pass every message to `handle` until `done` returns true; it is called at least ten times a second.

        Raises:
            BrokerError: the broker refuses a subscription, or the connection ends.
        """
        self._grants = Grants(self._link, filters)
        again_s = self._mono_s()
        while not done():
            if self._mono_s() >= again_s:
                self._grants.ask_again()
            report = self._next_report()
            match report:
                case Received():
                    handle(report)
                case Subscribed() if not self._grants.settle(report):
                    again_s = self._mono_s() + _AGAIN_S
                case Subscribed(code=code) if code >= reason_codes.SUCCESS_BELOW:
                    raise BrokerError(f"subscription to {', '.join(filters)} refused: {reason_codes.describe(code)}")
                case Lost():
                    raise BrokerError(describe_end(report))
                case _:
                    pass

    def publish(self, messages: Iterable[Message]) -> None:
        """Publish messages and wait until the broker has confirmed them all.

        The broker has 15 s; the confirmation of the last message counts even if it comes later.

        Raises:
            BrokerError: the broker refuses a message or does not confirm it in time, or the connection ends.
        """
        unconfirmed = {self._link.publish(message): message.topic for message in messages}
        deadline_s = self._mono_s() + _CONFIRM_S
        while unconfirmed:
            report = self._next_report()
            match report:
                case Acknowledged(mid=mid, code=code):
                    topic = unconfirmed.pop(mid, "")
                    if code >= reason_codes.SUCCESS_BELOW:
                        raise BrokerError(f"{topic}: {reason_codes.describe(code)}")
                case Lost():
                    raise BrokerError(describe_end(report))
                case _:
                    pass
            if unconfirmed and self._mono_s() > deadline_s:
                raise BrokerError(
                    f"the broker has not confirmed within {_CONFIRM_S:g} s: "
                    f"{', '.join(dict.fromkeys(unconfirmed.values()))}: check its log and load, then try again"
                )

    def close(self) -> None:
        """Disconnect."""
        self._link.close()

    def _next_report(self) -> Report | None:
        """Return the next report of the connection, None if none comes within a tenth of a second."""
        try:
            return self._reports.get(timeout=_POLL_S)
        except queue.Empty:
            return None
