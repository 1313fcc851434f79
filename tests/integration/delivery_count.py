"""A publisher's journal and a subscriber's messages -> how many events were sent, received, repeated, late and lost."""

import json
import queue
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mosquitto_broker import Subscriber

from node.errors import BrokerError
from node.mqtt.connect import connect
from node.mqtt.link import Client, Lost, Received, Report, Subscribed
from node.settings import MqttSettings

_MARKER = "facenode/pi-1/marker"


@dataclass(frozen=True, slots=True)
class DeliveryCount:
    """The delivery figures of one run.

    Attributes:
        sent: events that were certainly put into the outbox.
        uncertain: events that a kill may have prevented from being put.
        received: distinct events that arrived.
        repeated: arrivals of an event that had arrived before.
        late: distinct events that first arrived on a late topic.
        lost: events that were put but never arrived.
        unexpected: events that arrived but were never made.
        ordered: whether first arrivals were in order within live and within late.
        gaps: numbers missing between the first and the last `seq`.
    """

    sent: int
    uncertain: int
    received: int
    repeated: int
    late: int
    lost: int
    unexpected: int
    ordered: bool
    gaps: int


def count_deliveries(journal: Path, arrived: Sequence[Received]) -> DeliveryCount:
    """Compare the events in a publisher's journal with the events that a subscriber received."""
    lines = journal.read_text().splitlines()
    intended = {line[1:] for line in lines if line.startswith("+")}
    put = {line[1:] for line in lines if line.startswith("=")}
    first: dict[str, tuple[bool, int]] = {}
    repeated = 0
    for message in arrived:
        fields = json.loads(message.payload)
        if fields["id"] in first:
            repeated += 1
        else:
            first[fields["id"]] = ("/late/" in message.topic, fields["seq"])
    live = [seq for late, seq in first.values() if not late]
    late = [seq for late, seq in first.values() if late]
    numbers = live + late
    return DeliveryCount(
        sent=len(put),
        uncertain=len(intended - put),
        received=len(first),
        repeated=repeated,
        late=len(late),
        lost=len(put - first.keys()),
        unexpected=len(first.keys() - intended),
        ordered=live == sorted(live) and late == sorted(late),
        gaps=max(numbers) - min(numbers) + 1 - len(set(numbers)) if numbers else 0,
    )


class ReachableBroker(Protocol):
    """A broker that a subscriber can connect to."""

    def settings(self, **more: object) -> MqttSettings:
        """Return the settings for a connection to the broker."""
        ...


class EventRecorder:
    """A subscriber that reconnects whenever the broker returns, and keeps what it receives.

    Args:
        broker: the broker to connect to.
        keep_s: seconds for which the broker keeps the session; 0: no session.
        protocol: the MQTT version.

    Attributes:
        events: events and late events, in order of arrival.
        statuses: payloads of the node's status.
    """

    def __init__(self, broker: ReachableBroker, keep_s: int = 0, protocol: str = "5") -> None:
        self._broker, self._keep_s, self._protocol = broker, keep_s, protocol
        self.events: list[Received] = []
        self.statuses: list[bytes] = []
        self._inbox: queue.SimpleQueue[Report | None] = queue.SimpleQueue()
        self._ready = threading.Event()
        self._caught_up = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def wait_subscribed(self, timeout_s: float = 10.0) -> bool:
        """Wait until the subscription is granted."""
        return self._ready.wait(timeout_s)

    def catch_up(self, timeout_s: float = 10.0) -> bool:
        """Wait until all messages that the broker has accepted have arrived; call it while nobody else publishes.

        Messages that a broker without persistence has acknowledged but not yet forwarded are lost when it dies, and so
        are unread bytes of a connection that is reset. The node is responsible for neither.
        """
        self._caught_up.clear()
        with closing(Subscriber(self._broker.settings(), _MARKER, client_id="marker")) as other:
            other.publish(_MARKER, b"")
            return self._caught_up.wait(timeout_s)

    def expect_disconnect(self) -> None:
        """Reset the subscribed state before the broker is stopped."""
        self._ready.clear()

    def close(self) -> None:
        """Disconnect and end the thread."""
        self._inbox.put(None)
        self._thread.join(20)

    def _run(self) -> None:
        while True:
            try:
                settings = self._broker.settings(protocol=self._protocol)
                link = connect(settings, Client("recorder", keep_s=self._keep_s), self._inbox.put)
            except BrokerError:
                if self._ended(0.05):
                    return
                continue
            link.subscribe("facenode/pi-1/#")
            ended = self._listen()
            link.close()
            if ended:
                return

    def _ended(self, wait_s: float) -> bool:
        try:
            return self._inbox.get(timeout=wait_s) is None
        except queue.Empty:
            return False

    def _listen(self) -> bool:
        while (report := self._inbox.get()) is not None:
            if isinstance(report, Lost):
                return False
            if isinstance(report, Subscribed):
                self._ready.set()
            if isinstance(report, Received):
                if "/event/" in report.topic:
                    self.events.append(report)
                elif report.topic.endswith("/status"):
                    self.statuses.append(report.payload)
                elif report.topic == _MARKER:
                    self._caught_up.set()
        return True
