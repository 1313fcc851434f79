"""A broker -> which events of simulated nodes came, when first and how often: a subscriber that misses nothing."""

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

_KEEP_S = 3600
_TIMING = Timing(first_s=0.2, max_s=2.0)
_POLL_S, _ANSWER_S = 0.2, 15.0
_EVENTS = (f"{ROOT}/+/event/+", f"{ROOT}/+/late/event/+")
_STATUS = f"{ROOT}/+/status"
_HEAP = "$SYS/broker/heap/current"

Key = tuple[int, int]
"""The number of a node, and its event's."""


@dataclass(slots=True)
class Heard:
    """What came.

    Attributes:
        first_s: when an event came first, seconds of the monotonic clock, by its key.
        repeated: how often one came again.
        late: different events that came as late.
        wills: how often a node was said to be offline.
        heap_mb: the greatest memory that a broker has told of itself, megabytes; None where it told of none.
    """

    first_s: dict[Key, float] = field(default_factory=dict)
    repeated: int = 0
    late: int = 0
    wills: int = 0
    heap_mb: float | None = None

    def take(self, message: Received, now_s: float) -> None:
        """Take in a message; those of nodes that are real do not count."""
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


class Listener:
    """A subscriber with a session of its own at the broker, so that what comes while it is away waits for it.

    Args:
        settings: the broker.

    Attributes:
        heard: what came.

    Raises:
        BrokerError: the broker refuses the connection, or what is asked of it.
    """

    def __init__(self, settings: MqttSettings) -> None:
        self.heard = Heard()
        self._settings = settings
        self._id = f"{ROOT}-sim-listener-{secrets.token_hex(4)}"
        self._inbox: queue.SimpleQueue[Lost | Subscribed] = queue.SimpleQueue()
        self._ending = threading.Event()
        self._link = self._dial()
        # One version for all that follows: a broker that is starting refuses for other reasons.
        self._settings = settings.model_copy(update={"protocol": self._link.protocol})
        try:
            self._wait_granted()
        except BrokerError:
            self._link.close()
            raise
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)
        self._thread.start()

    @property
    def protocol(self) -> str:
        """The MQTT version that the broker speaks."""
        return self._link.protocol

    def wait(self, wanted: Collection[Key], quiet_s: float) -> None:
        """Wait until all that is wanted has come, or nothing more does for `quiet_s`."""
        pause, came, last_s = threading.Event(), -1, time.monotonic()
        while time.monotonic() - last_s < quiet_s and not self.heard.first_s.keys() >= set(wanted):
            if len(self.heard.first_s) != came:
                came, last_s = len(self.heard.first_s), time.monotonic()
            pause.wait(_POLL_S)

    def close(self) -> None:
        """Leave, and leave no session behind where the broker can be reached."""
        self._ending.set()
        self._thread.join()
        self._link.close()
        with contextlib.suppress(BrokerError):
            connect(self._settings, Client(self._id), lambda _report: None).close()

    def _dial(self) -> Link:
        link = connect(self._settings, Client(self._id, keep_s=_KEEP_S, window=100), self._take)
        for each in (*_EVENTS, _STATUS, _HEAP):
            link.subscribe(each)
        return link

    def _wait_granted(self) -> None:
        for _ in (*_EVENTS, _STATUS):
            try:
                report = self._inbox.get(timeout=_ANSWER_S)
            except queue.Empty as error:
                raise BrokerError("the broker does not answer a subscription") from error
            if isinstance(report, Lost):
                raise BrokerError(report.sentence)
            if report.code >= reason_codes.SUCCESS_BELOW:
                raise BrokerError(f"a subscription to {ROOT}/+/... is refused: {reason_codes.describe(report.code)}")

    def _take(self, report: Report) -> None:
        """Take in what comes, on the connection's thread: to wait in a queue would count as the broker's time."""
        if isinstance(report, Received):
            now_s = time.monotonic()
            with contextlib.suppress(ValueError, KeyError, TypeError, IndexError):  # somebody else's, and no event
                self.heard.take(report, now_s)
        elif isinstance(report, Lost | Subscribed):
            self._inbox.put(report)

    def _run(self) -> None:
        backoff = Backoff(_TIMING, random.random)
        while not self._ending.is_set():
            try:
                report = self._inbox.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            if isinstance(report, Lost):
                self._come_back(backoff)

    def _come_back(self, backoff: Backoff) -> None:
        self._link.close()
        while not self._ending.wait(backoff.pause_s(0.0)):
            try:
                self._link = self._dial()
            except BrokerError:
                continue
            return
