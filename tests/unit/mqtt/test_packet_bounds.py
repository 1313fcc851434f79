"""Which packets of a broker end the connection, and how much of them is read before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.mqtt.packet_bounds import (
    MAX_ANSWER_BYTES,
    MAX_PACKET_BYTES,
    PROTOCOL_ERROR,
    TOO_LARGE,
    PacketBounds,
    Refusal,
)

TOPIC = "facenode/pi-1/request/check"
PUBLISH, SUBACK, PUBREL, AUTH = 0x30, 0x90, 0x62, 0xF0
QOS_1, QOS_2, RETAINED = 2, 4, 1
PIECES = (1, 2, 7, 1 << 20)


def length(number: int) -> bytes:
    """Return MQTT's variable-length form of a number."""
    digits = bytearray()
    while True:
        number, digit = divmod(number, 128)
        digits.append(digit | (0x80 if number else 0))
        if not number:
            return bytes(digits)


def packet(first: int, body: bytes, size: int | None = None) -> bytes:
    """Return a packet; with `size`, one that claims a body of so many bytes."""
    return bytes([first]) + length(len(body) if size is None else size) + body


def message(first: int, payload: bytes, topic: str = TOPIC, size: int | None = None) -> bytes:
    """Return a PUBLISH."""
    name = topic.encode()
    return packet(first, len(name).to_bytes(2, "big") + name + payload, size)


def feed(bounds: PacketBounds, content: bytes, piece: int) -> tuple[Refusal | None, int]:
    """Feed bytes, at most `piece` and the room at once; return the refusal and how many were read."""
    read = 0
    while read < len(content):
        part = content[read : read + min(piece, bounds.room)]
        read += len(part)
        refusal = bounds.take(part)
        if refusal:
            return refusal, read
    return None, read


@pytest.mark.parametrize("piece", PIECES)
def test_packets_up_to_the_limit_pass(piece: int) -> None:
    """A packet of exactly 64 kB, its header included, is received; so is what follows it."""
    largest = message(PUBLISH | QOS_1, b"\0" * (MAX_PACKET_BYTES - 4 - 2 - len(TOPIC)))
    assert len(largest) == MAX_PACKET_BYTES
    small = packet(SUBACK, b"\0\1\1") + packet(0xD0, b"")
    assert feed(PacketBounds(), largest + small + largest + small, piece)[0] is None


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("retained", [0, RETAINED])
def test_of_a_message_that_is_too_large_only_the_topic_is_read(piece: int, retained: int) -> None:
    """The refusal names topic, size and whether the message is retained; no byte of the payload is read."""
    content = message(PUBLISH | QOS_1 | retained, b"x" * 1000, size=100_000_000)
    refusal, read = feed(PacketBounds(), content, piece)
    assert read == len(content) - 1000
    assert refusal is not None
    assert (refusal.topic, refusal.code) == (TOPIC, TOO_LARGE)
    kind = "retained message" if retained else "message"
    assert refusal.sentence.startswith(f"{TOPIC}: a {kind} of 100,000,005 bytes arrived, more than 65,536")
    assert refusal.sentence.endswith("remove it from the broker") == bool(retained)


def test_a_packet_of_another_kind_that_is_too_large_is_refused_by_its_header() -> None:
    """Nothing behind the header is read, however it goes on. The limit is 4 kB: paho is slow with more."""
    for first in (0x20, SUBACK, 0xD0, 0xE0, AUTH, 0x00):
        assert feed(PacketBounds(), packet(first, b"x" * (MAX_ANSWER_BYTES - 3)), 100)[0] is None
        content = packet(first, b"x" * 1000, size=MAX_ANSWER_BYTES - 2)
        refusal, read = feed(PacketBounds(), content, 1)
        assert refusal is not None
        assert (refusal.code, refusal.topic, read) == (TOO_LARGE, None, len(content) - 1000)


@pytest.mark.parametrize("first", [PUBLISH | QOS_2, PUBLISH | QOS_2 | RETAINED, PUBLISH | 6, 0x50, PUBREL, 0x70])
def test_a_packet_of_qos_2_is_refused_by_its_first_byte(first: int) -> None:
    """The client never asks for QoS 2, and paho would keep each such message until the broker releases it."""
    refusal, read = feed(PacketBounds(), bytes([first]) + b"\x7f" * 100, 1)
    assert refusal is not None
    assert (refusal.code, read) == (PROTOCOL_ERROR, 1)


def test_the_limit_is_the_clients() -> None:
    """A client that reads discovery messages may ask for more."""
    content = message(PUBLISH, b"x" * 100_000)
    assert feed(PacketBounds(), content, 1 << 20)[0] is not None
    assert feed(PacketBounds(1 << 20), content, 1 << 20)[0] is None


@given(st.lists(st.binary(max_size=300), max_size=20), st.integers(1, 400))
def test_any_pieces_give_the_same_answer(bodies: list[bytes], piece: int) -> None:
    """How the network cuts the stream decides nothing."""
    content = b"".join(packet(PUBLISH | QOS_1, body) for body in bodies) + message(PUBLISH, b"", size=1 << 20)
    assert feed(PacketBounds(), content, piece) == feed(PacketBounds(), content, 1)


@given(st.binary(max_size=2000))
def test_whatever_comes_there_is_room_or_a_refusal(content: bytes) -> None:
    """Reading goes on, one byte at least, until the refusal, and never asks for more than the limit."""
    bounds, read = PacketBounds(), 0
    while read < len(content):
        assert 1 <= bounds.room <= MAX_PACKET_BYTES
        part = content[read : read + bounds.room]
        read += len(part)
        if bounds.take(part):
            break
