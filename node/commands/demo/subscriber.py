"""Events of one node at a broker -> the events as a subscriber receives them, with their latency."""

import json
import queue
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from node.contract.topics import ROOT
from node.errors import BrokerError
from node.mqtt import reason_codes
from node.mqtt.connect import connect
from node.mqtt.link import Client, Lost, Received, Report, Subscribed
from node.settings import MqttSettings

_ANSWER_S = 10.0


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """One event as a subscriber received it.

    Attributes:
        payload: the payload.
        latency_ms: milliseconds from the deciding frame to the subscriber.
    """

    payload: Mapping[str, Any]
    latency_ms: float

    @property
    def event_type(self) -> str:
        """The event's type."""
        return str(self.payload["event_type"])


def parse_event(payload: bytes, received: datetime) -> ReceivedEvent:
    """Return the event in a message that was received at a time of UTC."""
    fields = json.loads(payload)
    return ReceivedEvent(fields, (received - datetime.fromisoformat(fields["at"])).total_seconds() * 1e3)


class Subscriber:
    """Calls a function with every event of a node for as long as the context lasts.

    Args:
        settings: of the broker.
        node: the node's id.
        on_event: called with each event, on the network's thread.

    Raises:
        BrokerError: the broker cannot be reached, or does not accept the subscription.
    """

    def __init__(self, settings: MqttSettings, node: str, on_event: Callable[[ReceivedEvent], None]) -> None:
        self._settings = settings
        self._topic = f"{ROOT}/{node}/event/+"
        self._on_event = on_event
        self._answer: queue.SimpleQueue[Subscribed | Lost] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        self._link = connect(self._settings, Client(f"{ROOT}-demo-subscriber"), self._handle)
        self._link.subscribe(self._topic)
        try:
            answer = self._answer.get(timeout=_ANSWER_S)
        except queue.Empty:
            self._link.close()
            raise BrokerError(f"{self._topic}: the broker does not answer the subscription") from None
        if isinstance(answer, Lost) or answer.code >= reason_codes.SUCCESS_BELOW:
            self._link.close()
            reason = answer.sentence if isinstance(answer, Lost) else reason_codes.describe(answer.code)
            raise BrokerError(f"{self._topic}: {reason}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._link.close()

    def _handle(self, report: Report) -> None:
        match report:
            case Received():
                self._on_event(parse_event(report.payload, datetime.now(UTC)))
            case Subscribed() | Lost():
                self._answer.put(report)
            case _:
                pass
