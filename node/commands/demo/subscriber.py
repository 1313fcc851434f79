"""Events of one node at a broker -> the events as a subscriber receives them, with their latency."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from node.errors import BrokerError

_READY_S = 10.0


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
        host: of the broker.
        port: of the broker.
        node: the node's id.
        on_event: called with each event, on the network's thread.

    Raises:
        BrokerError: the broker does not accept the subscription.
    """

    def __init__(self, host: str, port: int, node: str, on_event: Callable[[ReceivedEvent], None]) -> None:
        self._address = (host, port)
        self._topic = f"facenode/{node}/event/+"
        self._on_event = on_event
        self._subscribed = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="facenode-demo-subscriber")
        self._client.on_connect = lambda client, *_: client.subscribe(self._topic, 1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._received

    def __enter__(self) -> Self:
        try:
            self._client.connect(*self._address)
        except OSError as error:
            raise BrokerError(f"{self._address[0]}:{self._address[1]}: {error}") from error
        self._client.loop_start()
        if not self._subscribed.wait(_READY_S):
            raise BrokerError(f"{self._address[0]}:{self._address[1]}: the broker does not answer a subscription")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _received(self, client: paho.Client, userdata: object, message: paho.MQTTMessage) -> None:
        del client, userdata
        self._on_event(parse_event(bytes(message.payload), datetime.now(UTC)))
