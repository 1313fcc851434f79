"""A broker -> which events of simulated nodes arrived, when first and how often."""

import contextlib
import json
import queue
import random
import secrets
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, field

from node.contract.payloads import OFFLINE
from node.contract.topics import ROOT
from node.errors import BrokerError
from node.mqtt import reason_codes
from node.mqtt.backoff import Backoff, Timing
from node.mqtt.connect import connect
from node.mqtt.link import Client, Link, Lost, Received, Report, Subscribed
from node.settings import MqttSettings
from node.simulation.plan import is_simulated

_SESSION_S = 3600
_TIMING = Timing(first_s=0.2, max_s=2.0)
_POLL_S, _ANSWER_S, _TAKEOVER_S = 0.2, 15.0, 0.5
_EVENTS = (f"{ROOT}/+/event/+", f"{ROOT}/+/late/event/+")
_STATUS = f"{ROOT}/+/status"
_HEAP = "$SYS/broker/heap/current"

EventKey = tuple[int, int]
"""The number of a node, and the number of one of its events."""


@dataclass(slots=True)
class Arrivals:
    """What the subscriber has received.

    Attributes:
        first_s: when each event first arrived, seconds of the monotonic clock, by key.
        repeated: how often an event arrived again.
        late: distinct events that arrived as late.
        wills: how often a node was reported offline.
        heap_mb: greatest memory that the broker has reported, megabytes; None if it reported none.
    """

    first_s: dict[EventKey, float] = field(default_factory=dict)
    repeated: int = 0
    late: int = 0
    wills: int = 0
    heap_mb: float | None = None

    def add(self, message: Received, now_s: float) -> None:
        """Count a message; messages of real nodes do not count.

        Raises:
            ValueError, KeyError, TypeError, IndexError: the message is not an event of this program.
        """
        if message.topic == _HEAP:
            with contextlib.suppress(ValueError):
                self.heap_mb = max(self.heap_mb or 0.0, float(message.payload) / 1e6)
            return
        levels = message.topic.split("/")
        if message.retained or not is_simulated(levels[1]):
            return
        if levels[-1] == "status":
            self.wills += message.payload == OFFLINE
            return
        key = int(levels[1].removeprefix("sim-")), int(json.loads(message.payload)["seq"])
        if key in self.first_s:
            self.repeated += 1
        else:
            self.first_s[key] = now_s
            self.late += levels[2] == "late"


class Subscriber:
    """A subscriber with a persistent session: the broker keeps what comes while it is disconnected.

    Args:
        settings: the broker.

    Attributes:
        arrivals: what it has received.

    Raises:
        BrokerError: the broker refuses the connection or a subscription, or gives one login one session.
    """

    def __init__(self, settings: MqttSettings) -> None:
        self.arrivals = Arrivals()
        self._settings = settings
        self._id = f"{ROOT}-sim-listener-{secrets.token_hex(4)}"
        self._reports: queue.SimpleQueue[Lost | Subscribed] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._link = self._connect()
        # Keep the negotiated version from here on: a broker that is starting up refuses for other reasons.
        self._settings = settings.model_copy(update={"protocol": self._link.protocol})
        try:
            self._await_subscriptions()
            self._require_separate_sessions()
        except BrokerError:
            self._link.close()
            raise
        self._thread = threading.Thread(target=self._run, name="subscriber", daemon=True)
        self._thread.start()

    @property
    def protocol(self) -> str:
        """The MQTT version that the broker speaks."""
        return self._link.protocol

    def wait_for(self, keys: Collection[EventKey], quiet_s: float) -> None:
        """Wait until all these events have arrived, or none has arrived for `quiet_s` seconds."""
        pause, count, last_s = threading.Event(), -1, time.monotonic()
        while time.monotonic() - last_s < quiet_s and not self.arrivals.first_s.keys() >= set(keys):
            if len(self.arrivals.first_s) != count:
                count, last_s = len(self.arrivals.first_s), time.monotonic()
            pause.wait(_POLL_S)

    def close(self) -> None:
        """Disconnect, and leave no session at the broker if it can be reached."""
        self._closing.set()
        self._thread.join()
        self._link.close()
        with contextlib.suppress(BrokerError):
            connect(self._settings, Client(self._id), lambda _report: None).close()

    def _connect(self) -> Link:
        link = connect(self._settings, Client(self._id, keep_s=_SESSION_S, window=100), self._handle)
        for each in (*_EVENTS, _STATUS, _HEAP):
            link.subscribe(each)
        return link

    def _await_subscriptions(self) -> None:
        for topic in (*_EVENTS, _STATUS):
            try:
                report = self._reports.get(timeout=_ANSWER_S)
            except queue.Empty as error:
                raise BrokerError(
                    f"the broker did not answer the subscription to {topic} within {_ANSWER_S:g} s: check its log"
                ) from error
            if isinstance(report, Lost):
                raise BrokerError(report.sentence)
            if report.code >= reason_codes.SUCCESS_BELOW:
                raise BrokerError(f"subscription to {topic} refused: {reason_codes.describe(report.code)}")

    def _require_separate_sessions(self) -> None:
        """Find out whether a second connection with the same login takes over the session of the first."""
        connect(self._settings, Client(f"{self._id}-2"), lambda _report: None).close()
        until_s = time.monotonic() + _TAKEOVER_S
        with contextlib.suppress(queue.Empty):
            while not isinstance(self._reports.get(timeout=max(0.0, until_s - time.monotonic())), Lost):
                pass
            raise BrokerError(
                "this broker gives all connections with the same login one session (mosquitto: "
                "use_username_as_clientid), but simulated nodes share a login: simulate at a port that does not, as "
                "docs/scale.md describes"
            )

    def _handle(self, report: Report) -> None:
        """Process a report on the connection's thread: time in a queue would count as the broker's."""
        if isinstance(report, Received):
            now_s = time.monotonic()
            with contextlib.suppress(ValueError, KeyError, TypeError, IndexError):  # not an event of this program
                self.arrivals.add(report, now_s)
        elif isinstance(report, Lost | Subscribed):
            self._reports.put(report)

    def _run(self) -> None:
        backoff = Backoff(_TIMING, random.random)
        while not self._closing.is_set():
            try:
                report = self._reports.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            if isinstance(report, Lost):
                self._reconnect(backoff)

    def _reconnect(self, backoff: Backoff) -> None:
        self._link.close()
        while not self._closing.wait(backoff.pause_s(0.0)):
            try:
                self._link = self._connect()
            except BrokerError:
                continue
            return
