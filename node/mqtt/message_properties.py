"""The body of a received PUBLISH of MQTT 5 -> its expiry, and the body without properties.

The rules:

1. Only what tells the age of a message is read: the expiry that is left, and the user property with the original.
2. All properties are cut out before paho gets the packet: it needs half a second of processor time for 60 kB of them.
3. Of more than `MAX_BYTES` of properties none is read; the first of two that are alike counts.
4. What is malformed goes on to paho as it is, which ends the connection.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from node.contract.message import EXPIRE_S

MAX_BYTES = 1024
"""The largest set of properties that is read. What a node sets takes less than 100 bytes; a broker may add some."""

_PUBLISH, _QOS_BITS = 3, 3
_MAX_LENGTH_BYTES, _MORE = 4, 0x80
_TEXT_LENGTH, _ID_BYTES = 2, 2
_EXPIRY, _USER, _SUBSCRIPTION = 0x02, 0x26, 0x0B
_FIXED = {0x01: 1, _EXPIRY: 4, 0x23: 2}
"""Bytes of the properties of a fixed length: payload format, expiry, topic alias (MQTT 5, section 3.3.2.3)."""
_TEXTS = {0x03: 1, 0x08: 1, 0x09: 1, _USER: 2}
"""Texts of the properties that are texts: content type, response topic, correlation data, user property."""
_MAX_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Expiry:
    """When the broker would have dropped a message.

    Attributes:
        left_s: seconds that were left when it was delivered; None: it never expires, or the broker does not say.
        original_s: the seconds that it had when it was published; None: the publisher does not say.
    """

    left_s: int | None = None
    original_s: int | None = None

    @property
    def waited_s(self) -> int | None:
        """Seconds for which the message waited at the broker; None if that is not known."""
        if self.left_s is None or self.original_s is None or self.original_s < self.left_s:
            return None
        return self.original_s - self.left_s


NO_EXPIRY = Expiry()
"""Of a message that says nothing about it, as every message of MQTT 3.1.1."""


def take_properties(first: int, body: bytes) -> tuple[Expiry, bytes]:
    """Return the expiry of a message of MQTT 5, and its body without properties; another packet is left as it is.

    Args:
        first: the first byte of the packet.
        body: all behind the fixed header.
    """
    if first >> 4 != _PUBLISH:
        return NO_EXPIRY, body
    start = _TEXT_LENGTH + int.from_bytes(body[:_TEXT_LENGTH], "big") + (_ID_BYTES if first >> 1 & _QOS_BITS else 0)
    size = _varint(body, start)
    if size is None:
        return NO_EXPIRY, body
    begin, end = size[1], size[1] + size[0]
    if end > len(body):
        return NO_EXPIRY, body
    expiry = _expiry(body[begin:end]) if size[0] <= MAX_BYTES else NO_EXPIRY
    return expiry, body[:start] + b"\0" + body[end:]


def _expiry(properties: bytes) -> Expiry:
    left_s = original_s = None
    for kind, value in _each(properties):
        if kind == _EXPIRY and left_s is None:
            left_s = int.from_bytes(value, "big")
        elif kind == _USER and original_s is None:
            original_s = _original(value)
    return Expiry(left_s, original_s)


def _original(pair: bytes) -> int | None:
    """Return the number in a user property `expire_s`; None if it is another one, or no number."""
    name = EXPIRE_S.encode()
    value = pair[_TEXT_LENGTH + len(name) + _TEXT_LENGTH :]
    if not pair.startswith(len(name).to_bytes(_TEXT_LENGTH, "big") + name):
        return None
    return int(value) if value.isdigit() and len(value) <= _MAX_DIGITS else None


def _each(properties: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each property, up to the first that a message cannot have or that is cut off."""
    place = 0
    while place < len(properties):
        kind, begin = properties[place], place + 1
        end: int | None
        if kind in _FIXED:
            end = begin + _FIXED[kind]
        elif kind in _TEXTS:
            end = begin
            for _ in range(_TEXTS[kind]):
                end += _TEXT_LENGTH + int.from_bytes(properties[end : end + _TEXT_LENGTH], "big")
        else:
            number = _varint(properties, begin) if kind == _SUBSCRIPTION else None
            end = None if number is None else number[1]
        if end is None or end > len(properties):
            return
        yield kind, properties[begin:end]
        place = end


def _varint(content: bytes, start: int) -> tuple[int, int] | None:
    """Return a number of variable length and where it ends; None where there is none."""
    digits = content[start : start + _MAX_LENGTH_BYTES]
    count = next((place for place, digit in enumerate(digits, 1) if not digit & _MORE), 0)
    if not count:
        return None
    return sum((digit & ~_MORE) << 7 * place for place, digit in enumerate(digits[:count])), start + count
