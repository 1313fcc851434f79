"""The values between a connection and whoever uses it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The broker answered a publish."""

    mid: int
    code: int


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The broker answered a subscription; below 0x80 is a promise, but only receiving is proof."""

    code: int


@dataclass(frozen=True, slots=True)
class Received:
    """A message came."""

    topic: str
    payload: bytes
    retained: bool


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection ended without being asked to."""

    sentence: str
    code: int = 0


Report = Acknowledged | Subscribed | Received | Lost


@dataclass(frozen=True, slots=True)
class Client:
    """Who connects.

    Attributes:
        id: the MQTT client id.
        will: topic and payload that the broker publishes, retained, if the client goes without a word.
        keep_s: seconds for which the broker keeps what the client misses; 0: no session.
        window: greatest number of publishes without an answer.
    """

    id: str
    will: tuple[str, bytes] | None = None
    keep_s: int = 0
    window: int = 8


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for a TCP connection or a TLS handshake, and for the broker's answer to CONNECT."""

    connect_s: float = 5.0
    answer_s: float = 10.0


class Link(Protocol):
    """An accepted connection; what comes from it was given as `report` to whoever made it."""

    @property
    def protocol(self) -> str:
        """The MQTT version that is spoken."""
        ...

    @property
    def window(self) -> int:
        """Greatest number of publishes without an answer."""
        ...

    @property
    def max_bytes(self) -> int | None:
        """Greatest packet that the broker takes, None if it did not say."""
        ...

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> int:
        """Send a message with QoS 1 and return its number; an Acknowledged or a Lost will follow."""
        ...

    def subscribe(self, topic: str) -> None:
        """Ask for messages with QoS 1; a Subscribed or a Lost will follow."""
        ...

    def close(self) -> None:
        """Take leave of the broker, so that it publishes no will."""
        ...
