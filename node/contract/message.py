"""One MQTT message: the same value in the outbox, in the publisher's queue and on the connection."""

from dataclasses import dataclass, replace

JSON, JPEG = "application/json", "image/jpeg"
"""Content types of MQTT 5."""

EXPIRE_S = "expire_s"
"""The user property with the message expiry as it was published: a broker counts the expiry itself down."""

_HEADER_BYTES = 14
"""The most that a PUBLISH takes besides topic, payload and properties: fixed header, lengths, packet id."""

_EXPIRY_BYTES, _PREFIX_BYTES, _PAIR_BYTES = 5, 3, 5
"""What MQTT 5 takes for an expiry, and besides its text for a content type and for a user property."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message to publish. Over MQTT 3.1.1 the fields that only MQTT 5 has are not sent.

    Attributes:
        topic: the full topic.
        payload: the bytes to send.
        qos: MQTT's quality of service.
        retain: whether the broker keeps the message for later subscribers.
        expiry_s: seconds after which the broker drops the message instead of delivering it; None: never. MQTT 5.
        content_type: what the payload is; None: not said. MQTT 5.
        user_properties: names and values for subscribers. MQTT 5.
    """

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
    expiry_s: int | None = None
    content_type: str | None = None
    user_properties: tuple[tuple[str, str], ...] = ()

    @property
    def packet_bytes(self) -> int:
        """The most bytes that the message takes on the wire."""
        expiry = 0 if self.expiry_s is None else _EXPIRY_BYTES
        kind = 0 if self.content_type is None else _PREFIX_BYTES + len(self.content_type.encode())
        pairs = sum(_PAIR_BYTES + len(name.encode()) + len(value.encode()) for name, value in self.user_properties)
        return len(self.topic.encode()) + len(self.payload) + _HEADER_BYTES + expiry + kind + pairs


def expiring(message: Message, expire_s: int) -> Message:
    """Return a message that a broker drops after so many seconds, and from which a subscriber reads how long it waited.

    The broker delivers the expiry minus the time for which the message waited. The user property keeps the original.
    """
    return replace(message, expiry_s=expire_s, user_properties=(*message.user_properties, (EXPIRE_S, str(expire_s))))
