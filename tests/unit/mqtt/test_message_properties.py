"""What is read of the properties of a message, and that paho gets none of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from node.mqtt.message_properties import MAX_BYTES, NO_EXPIRY, Expiry, take_properties

PUBLISH, RETAINED, QOS_1, SUBACK = 0x30, 1, 2, 0x90
TOPIC = b"\0\4spam"
USER_PROPERTY = b"\x26"


def length(number: int) -> bytes:
    """Return MQTT's variable-length form of a number below 2 MB."""
    digits = bytearray()
    while True:
        number, digit = divmod(number, 128)
        digits.append(digit | (0x80 if number else 0))
        if not number:
            return bytes(digits)


def text(content: bytes) -> bytes:
    """Return a text with its length before it."""
    return len(content).to_bytes(2, "big") + content


def pair(name: bytes, value: bytes) -> bytes:
    """Return a user property."""
    return USER_PROPERTY + text(name) + text(value)


def expiry_of(properties: bytes) -> Expiry:
    """Return what is read of a message with these properties, which reaches paho without them."""
    expiry, body = take_properties(PUBLISH, TOPIC + length(len(properties)) + properties + b"payload")
    assert body == TOPIC + b"\0payload"
    return expiry


def left(seconds: int) -> bytes:
    """Return the property with the seconds that are left."""
    return b"\x02" + seconds.to_bytes(4, "big")


@pytest.mark.parametrize(
    ("left_s", "original_s", "waited_s"),
    [(100, 100, 0), (40, 100, 60), (0, 2_592_000, 2_592_000), (4_294_967_295, 4_294_967_295, 0), (101, 100, None)],
)
def test_the_age_of_a_message_is_read_from_what_its_broker_left(
    left_s: int, original_s: int, waited_s: int | None
) -> None:
    """A broker counts the expiry down and leaves user properties as they are; more than the original makes no sense."""
    expiry = expiry_of(left(left_s) + pair(b"expire_s", str(original_s).encode()))
    assert expiry == Expiry(left_s, original_s)
    assert expiry.waited_s == waited_s


def test_any_other_properties_may_stand_between() -> None:
    """As another implementation packs them, each kind once; of two that are alike the first counts."""
    made = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call] # paho's lacks types
    made.PayloadFormatIndicator, made.MessageExpiryInterval, made.TopicAlias = 1, 90, 7
    made.ResponseTopic, made.CorrelationData, made.ContentType = "facenode/answer", b"\0\1", "application/json"
    made.SubscriptionIdentifier = 300_000
    made.UserProperty = [("expire", "1"), ("at", "2026"), ("expire_s", "100"), ("expire_s", "200"), ("", "")]
    assert expiry_of(made.pack()[1:]) == Expiry(90, 100)  # type: ignore[no-untyped-call] # as above


@pytest.mark.parametrize("value", [b"", b"-5", b"1e3", b" 5", "\u0665".encode(), b"12345678901", b"5\xff"])
def test_an_original_that_is_no_number_is_not_known(value: bytes) -> None:
    """Whoever may publish may write anything there."""
    expiry = expiry_of(left(5) + pair(b"expire_s", value))
    assert (expiry, expiry.waited_s) == (Expiry(5, None), None)


def test_a_message_that_says_nothing_has_no_age() -> None:
    """As every message of another publisher, and each retained one of a node."""
    assert expiry_of(b"") == NO_EXPIRY
    assert expiry_of(pair(b"expire_s", b"100")).waited_s is None
    assert NO_EXPIRY.waited_s is None


def test_no_more_than_a_kilobyte_of_properties_is_read() -> None:
    """They are cut out all the same: a message of 64 kB of them costs no time."""
    known = left(5) + pair(b"expire_s", b"9")
    room = pair(b"", b"x" * (MAX_BYTES - len(known) - 5))
    assert expiry_of(room + known) == Expiry(5, 9)
    assert expiry_of(room + pair(b"", b"") + known) == NO_EXPIRY


@pytest.mark.parametrize("broken", [b"\xff", b"\x02\0\0", b"\x26\0\x05abc", b"\x26\0\1a\xff\xff", b"\x0b\x80", b"\x26"])
def test_nothing_is_read_behind_a_broken_property(broken: bytes) -> None:
    """What came before it counts."""
    known = left(5) + pair(b"expire_s", b"9")
    assert expiry_of(known + broken) == Expiry(5, 9)
    assert expiry_of(broken + known).waited_s is None


@given(
    st.text(max_size=40), st.sampled_from([PUBLISH, PUBLISH | RETAINED, PUBLISH | QOS_1]), st.binary(max_size=300),
    st.binary(max_size=50),
)  # fmt: skip
def test_properties_are_cut_out_of_a_message(topic: str, first: int, properties: bytes, payload: bytes) -> None:
    """Topic, packet id and payload stay, and an empty set of properties."""
    head = text(topic.encode()) + (b"\x12\x34" if first & QOS_1 else b"")
    body = head + length(len(properties)) + properties + payload
    assert take_properties(first, body)[1] == head + b"\0" + payload


@given(st.integers(0, 255), st.binary(max_size=20))
def test_no_packet_is_too_broken_for_the_cut(first: int, body: bytes) -> None:
    """What is malformed goes on to paho, which ends the connection; packets of other kinds stay as they are."""
    _, rest = take_properties(first, body)
    assert len(rest) <= len(body)
    if first >> 4 != PUBLISH >> 4:
        assert rest == body
