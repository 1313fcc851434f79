"""One MQTT message: the same value in the outbox, in the publisher's queue and on the connection."""

from dataclasses import dataclass

_HEADER_BYTES = 16
"""The most that a PUBLISH takes besides topic and payload: fixed header, lengths, packet id, properties."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message to publish.

    Attributes:
        topic: the full topic.
        payload: the bytes to send.
        qos: MQTT's quality of service.
        retain: whether the broker keeps the message for later subscribers.
        expiry_s: seconds after which the broker drops the message instead of delivering it; None: never.
    """

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
    expiry_s: float | None = None

    @property
    def packet_bytes(self) -> int:
        """The most bytes that the message takes on the wire."""
        return len(self.topic.encode()) + len(self.payload) + _HEADER_BYTES
