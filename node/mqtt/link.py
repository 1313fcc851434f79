"""The interface of a connection to a broker, and what it reports."""

from dataclasses import dataclass, field
from typing import Protocol

from node.contract.message import Message
from node.mqtt.packet_bounds import MAX_PACKET_BYTES

QOS = 1
"""The quality of service of every message and subscription."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The broker acknowledged a publish; a code of 0x80 or above is a refusal."""

    mid: int
    code: int


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The broker answered a subscription. A code below 0x80 is a promise; only a received message is proof.

    Attributes:
        code: the reason code.
        mid: the packet id of the subscription.
    """

    code: int
    mid: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Received:
    """A message arrived.

    Attributes:
        topic: its topic.
        payload: the bytes that were sent.
        retained: whether the broker had kept it for later subscribers.
        expiry_s: seconds from now on after which it counts no more; None: it never expires, or the broker does not say.
        waited_s: seconds for which it waited at the broker, in whole seconds as the broker counts; None where the
            publisher or the broker does not say.
    """

    topic: str
    payload: bytes
    retained: bool
    expiry_s: int | None = None
    waited_s: int | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection ended unexpectedly.

    Attributes:
        sentence: why.
        code: the broker's reason code; 0 if it gave none.
        topic: the topic of a received message that was too large, if that is why.
        by_packet: whether the connection was ended because of a packet that the broker sent.
    """

    sentence: str
    code: int = 0
    topic: str | None = None
    by_packet: bool = False


Report = Acknowledged | Subscribed | Received | Lost


@dataclass(frozen=True, slots=True)
class Client:
    """The MQTT client that connects.

    Attributes:
        id: the MQTT client id.
        will: the last will, which the broker publishes if the client disappears.
        keep_s: seconds for which the broker keeps messages for the client while it is away; 0: no session.
        window: the maximum number of publishes in flight.
        max_packet_bytes: the largest packet that the client receives.
        states_bounds: tell a broker of MQTT 5 this size, and how many messages it may have in flight.
    """

    id: str
    will: Message | None = None
    keep_s: int = 0
    window: int = 8
    max_packet_bytes: int = MAX_PACKET_BYTES
    states_bounds: bool = True


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait for a TCP connection or a TLS handshake, and for the broker's answer to CONNECT."""

    connect_s: float = 5.0
    answer_s: float = 10.0


class Link(Protocol):
    """A connection that the broker has accepted. It reports to the callback given to whoever made it."""

    @property
    def protocol(self) -> str:
        """The MQTT version of the connection, `5` or `3.1.1`."""
        ...

    @property
    def window(self) -> int:
        """The maximum number of publishes in flight."""
        ...

    @property
    def max_bytes(self) -> int | None:
        """The largest packet that the broker accepts, None if it did not say."""
        ...

    def publish(self, message: Message) -> int:
        """Send a message and return its packet id; an Acknowledged or a Lost follows."""
        ...

    def subscribe(self, topic: str) -> int:
        """Subscribe with QoS 1 and return the packet id; a Subscribed or a Lost follows."""
        ...

    def unsubscribe(self, topic: str) -> None:
        """End a subscription. Nothing reports that it has ended, and messages that are on their way still arrive."""
        ...

    def close(self) -> None:
        """Disconnect cleanly, so that the broker does not publish the last will."""
        ...
