"""Which retained messages are due, and when."""

import json

from makers import instant

from node.contract import payloads
from node.contract.message import Message
from node.contract.topics import Topics
from node.domain import Presence
from node.mqtt.retained import Retained

TOPICS = Topics("pi-1")
HEALTH = {"v": 1, "at": "now", "camera": "ok"}


def up_to_date() -> Retained:
    """Return retained messages of which none is due."""
    retained = Retained(TOPICS, payloads.state(instant(0)))
    retained.resend()
    retained.take_due()
    return retained


def due(retained: Retained) -> list[str]:
    """Return the last level of the topics that are due."""
    return [message.topic.rsplit("/", 1)[1] for message in retained.take_due()]


def test_after_a_connection_everything_is_due_in_order() -> None:
    """Home Assistant must know the device before its first state."""
    retained = up_to_date()
    retained.set_discovery(b"{}")
    retained.update(payloads.state(instant(1), 1), HEALTH)
    retained.take_due()
    retained.resend()
    assert due(retained) == ["config", "state", "health"]


def test_before_the_first_tick_the_state_is_empty() -> None:
    """The retained state of an earlier run must not look like the present one."""
    retained = Retained(TOPICS, payloads.state(instant(0)))
    retained.resend()
    (message,) = retained.take_due()
    assert message.topic == TOPICS.state
    assert message.retain
    assert json.loads(message.payload)["count"] == 0


def test_state_is_due_when_more_than_its_times_changes() -> None:
    """Ten ticks a second without a change send nothing."""
    retained = up_to_date()
    ada = (Presence("ada", instant(1)),)
    retained.update(payloads.state(instant(1), 1, ada, {"ada": instant(1)}))
    assert due(retained) == ["state"]
    retained.update(payloads.state(instant(2), 1, ada, {"ada": instant(2)}))
    assert due(retained) == []
    retained.update(payloads.state(instant(3), 2, ada, {"ada": instant(3)}))
    assert due(retained) == ["state"]


def test_changed_times_alone_are_sent_with_the_next_health() -> None:
    """`last_seen` is at most one health period old."""
    retained = up_to_date()
    retained.update(payloads.state(instant(1), 1, (), {"ada": instant(1)}))
    retained.take_due()
    retained.update(payloads.state(instant(2), 1, (), {"ada": instant(2)}), HEALTH)
    assert due(retained) == ["state", "health"]
    retained.update(payloads.state(instant(3), 1, (), {"ada": instant(2)}), HEALTH)
    assert due(retained) == ["health"]


def test_only_the_latest_is_sent() -> None:
    """A state from while the broker was away is not published as if it were the present one."""
    retained = up_to_date()
    for count in (1, 2, 3):
        retained.update(payloads.state(instant(count), count))
    (message,) = retained.take_due()
    assert json.loads(message.payload)["count"] == 3


def test_it_notifies_only_when_something_is_due() -> None:
    """A quiet tick does not wake the publisher."""
    retained = up_to_date()
    notified: list[int] = []
    retained.on_change(lambda: notified.append(1))
    retained.update(payloads.state(instant(1)))
    assert notified == []
    retained.update(payloads.state(instant(2), 1))
    assert notified == [1]


def test_it_notifies_once_while_nobody_takes() -> None:
    """While the broker is away nobody takes: a wake-up for every frame would fill the memory."""
    retained = up_to_date()
    notified: list[int] = []
    retained.on_change(lambda: notified.append(1))
    for number in range(2000):
        retained.update(payloads.state(instant(number), number))
    assert notified == [1]
    retained.take_due()
    retained.update(payloads.state(instant(3000), 3000))
    assert notified == [1, 1]


def test_the_removal_payload_is_sent_once_directly_before_discovery_when_home_assistant_starts() -> None:
    """Home Assistant removes only what it knows: it gets whole entities, not retained, and then their removal."""
    retained = up_to_date()
    retained.set_discovery(b"gone", b"whole")
    assert [message.payload for message in retained.take_due()] == [b"gone"]
    retained.home_assistant_started()
    assert [(message.payload, message.retain) for message in retained.take_due()] == [
        (b"whole", False),
        (b"gone", True),
    ]
    retained.resend()
    assert b"whole" not in [message.payload for message in retained.take_due()]


def test_a_removal_is_confirmed_when_the_broker_has_the_discovery_after_the_removal_payload() -> None:
    """A connection that is lost in between must not make the node forget them."""
    retained = up_to_date()
    retained.set_discovery(b"gone", b"whole")
    retained.take_due()
    retained.confirm(Message(TOPICS.discovery, b"gone"))
    assert not retained.removal_confirmed()
    retained.home_assistant_started()
    retained.take_due()
    assert not retained.removal_confirmed()
    retained.confirm(Message(TOPICS.state, b"gone"))
    retained.confirm(Message(TOPICS.discovery, b"whole"))
    assert not retained.removal_confirmed()
    retained.confirm(Message(TOPICS.discovery, b"gone"))
    assert retained.removal_confirmed()
    retained.set_discovery(b"nobody")
    assert not retained.removal_confirmed()
