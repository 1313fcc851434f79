"""The size of a message on the wire, and the expiry that it carries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from node.contract.message import JSON, Message, expiring
from node.contract.payloads import MAX_EVENT_BYTES
from node.contract.topics import Kind, Topics
from node.mqtt.packet_bounds import MIN_PACKET_BYTES
from node.settings import MqttSettings

LONGEST = 32 * "x"
LONGEST_EXPIRY = 366 * 24 * 3600


def encoded_bytes(message: Message) -> int:
    """Return the size of a PUBLISH of MQTT 5, by section 3.3 and paho's own properties."""
    made = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call] # paho's lacks types
    if message.expiry_s is not None:
        made.MessageExpiryInterval = message.expiry_s
    if message.content_type is not None:
        made.ContentType = message.content_type
    if message.user_properties:
        made.UserProperty = list(message.user_properties)
    body = 2 + len(message.topic.encode()) + 2 + len(made.pack()) + len(message.payload)  # type: ignore[no-untyped-call]
    return 1 + (1 if body < 128 else 2 if body < 16_384 else 3) + body


@given(
    st.text(min_size=1, max_size=80), st.binary(max_size=2000), st.none() | st.integers(0, 2**32 - 1),
    st.none() | st.text(max_size=20), st.lists(st.tuples(st.text(max_size=20), st.text(max_size=40)), max_size=4),
)  # fmt: skip
def test_no_message_takes_more_bytes_than_it_says(
    topic: str, payload: bytes, expiry_s: int | None, content_type: str | None, pairs: list[tuple[str, str]]
) -> None:
    """The node compares this with what the broker takes; it may say up to 8 bytes more, for lengths of any size."""
    message = Message(topic, payload, 1, False, expiry_s, content_type, tuple(pairs))
    assert encoded_bytes(message) <= message.packet_bytes <= encoded_bytes(message) + 8


@pytest.mark.parametrize("kind", [Kind.EVENT, Kind.ALERT])
@pytest.mark.parametrize("late", [False, True])
def test_the_largest_event_fits_what_every_broker_must_take(kind: Kind, *, late: bool) -> None:
    """384 bytes with the longest topic and all properties are below 512; an alert is smaller than an event."""
    name = "recognized" if kind is Kind.EVENT else LONGEST
    room = 0 if kind is Kind.EVENT else 40
    topic = Topics(LONGEST).message(kind, name, late=late)
    message = Message(topic, bytes(MAX_EVENT_BYTES - room), content_type=JSON)
    assert (message if late else expiring(message, LONGEST_EXPIRY)).packet_bytes <= MIN_PACKET_BYTES


def test_an_expiring_message_keeps_its_original_expiry() -> None:
    """A broker counts the expiry down and leaves the user property alone."""
    message = expiring(Message("a", b"", user_properties=(("event", "1"),)), 90)
    assert message.expiry_s == 90
    assert message.user_properties == (("event", "1"), ("expire_s", "90"))


def test_the_longest_expiry_that_can_be_set_is_the_one_that_fits() -> None:
    """The bound of the setting and the figure above are the same."""
    assert MqttSettings(expire_s=LONGEST_EXPIRY).expire_s == LONGEST_EXPIRY
    with pytest.raises(ValueError, match="expire_s"):
        MqttSettings(expire_s=LONGEST_EXPIRY + 1)
