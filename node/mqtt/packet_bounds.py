"""The bytes that a broker sends -> how many more may be read at once, or why the connection has to end.

paho stores a packet whole before anybody can ask for its size, and it keeps messages of QoS 2 until the broker releases
them. Either lets whoever publishes, or a hostile broker, fill this machine's memory. So the bytes are looked at on
their way to paho. The rules:

1. A message is at most `max_bytes` long, and any other packet 4 kB. A longer one ends the connection before its payload
   is read, whatever its MQTT version or QoS. MQTT 5 states the limit in CONNECT; this is for MQTT 3.1.1 and for brokers
   that ignore it.
2. Of a message that is too long, only the topic is read: it tells which subscription brought the message.
3. No subscription of this program asks for QoS 2. A packet of QoS 2 is a protocol error and ends the connection.
"""

from collections.abc import Sequence
from dataclasses import dataclass

MAX_PACKET_BYTES = 64 * 1024
"""The largest packet that is received: 64 times what a request may have, and 100 times an event."""

MAX_ANSWER_BYTES = 4 * 1024
"""The largest packet that is not a message: an answer with a reason in words has less than 1 kB."""

MIN_PACKET_BYTES = 512
"""What a broker must take: an event of 384 bytes with the longest topic and MQTT's own fields has fewer."""

RECEIVE_MAXIMUM = 16
"""How many messages a broker of MQTT 5 may have in flight to this client."""

PROTOCOL_ERROR, TOO_LARGE = 0x82, 0x95
"""Reason codes of the DISCONNECT that a broker of MQTT 5 gets."""

_PUBLISH, _QOS_2_KINDS = 3, frozenset({5, 6, 7})  # PUBREC, PUBREL, PUBCOMP
_MAX_LENGTH_BYTES, _MORE = 4, 0x80
_LENGTH_PREFIX = 2


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a connection has to end.

    Attributes:
        sentence: what the broker sent.
        code: the reason code for the broker.
        topic: the topic of a message that is too large; None for anything else.
    """

    sentence: str
    code: int
    topic: str | None = None


class PacketBounds:
    """Follow the packets of one connection. Does no I/O.

    Args:
        max_bytes: the largest message.
    """

    def __init__(self, max_bytes: int = MAX_PACKET_BYTES) -> None:
        self._max_bytes = max_bytes
        self._header = bytearray()
        self._body_left = 0
        self._too_large = 0  # bytes of the message whose topic is being read; 0: none
        self._retained = False
        self._topic = bytearray()  # of that message, with the length in front of it

    @property
    def room(self) -> int:
        """The number of bytes that may be read at once, at least 1."""
        return self._topic_left if self._too_large else max(1, min(self._body_left, self._max_bytes))

    def take(self, received: bytes) -> Refusal | None:
        """Follow what was received, in pieces of any size; return why the connection has to end, None if it may go on.

        After a refusal nothing more may be received.
        """
        rest = memoryview(received)
        while rest:
            if self._too_large:
                piece = rest[: self._topic_left]
                self._topic += piece
                if not self._topic_left:
                    return self._refuse_message()
            elif self._body_left:
                piece = rest[: self._body_left]
                self._body_left -= len(piece)
            else:
                piece = rest[:1]
                self._header += piece
                refusal = self._read_header()
                if refusal is not None:
                    return refusal
            rest = rest[len(piece) :]
        return None

    @property
    def _topic_left(self) -> int:
        """The bytes of the topic, or of its length, that are still to come."""
        if len(self._topic) < _LENGTH_PREFIX:
            return _LENGTH_PREFIX - len(self._topic)
        return _LENGTH_PREFIX + int.from_bytes(self._topic[:_LENGTH_PREFIX], "big") - len(self._topic)

    def _read_header(self) -> Refusal | None:
        first, *length = self._header
        kind, qos = first >> 4, first >> 1 & 3
        if kind in _QOS_2_KINDS or (kind == _PUBLISH and qos > 1):
            return Refusal("the broker sent a packet of QoS 2, which this client never asks for", PROTOCOL_ERROR)
        if not length or (length[-1] & _MORE and len(length) < _MAX_LENGTH_BYTES):
            return None
        self._body_left = _decode_length(length)
        size = len(self._header) + self._body_left
        self._header.clear()
        limit = self._max_bytes if kind == _PUBLISH else MAX_ANSWER_BYTES
        if size <= limit:
            return None
        if kind != _PUBLISH:
            return Refusal(f"the broker sent a packet of {size:,} bytes, more than {limit:,}", TOO_LARGE)
        self._too_large, self._retained = size, bool(first & 1)
        return None

    def _refuse_message(self) -> Refusal:
        topic = self._topic[_LENGTH_PREFIX:].decode(errors="replace")
        kind = "retained message" if self._retained else "message"
        sentence = f"{topic}: a {kind} of {self._too_large:,} bytes arrived, more than {self._max_bytes:,}"
        return Refusal(f"{sentence}: remove it from the broker" if self._retained else sentence, TOO_LARGE, topic)


def _decode_length(digits: Sequence[int]) -> int:
    return sum((digit & ~_MORE) << 7 * place for place, digit in enumerate(digits))
