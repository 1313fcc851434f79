"""What the board shows, and when."""

import json

from makers import instant

from node.contract import payloads
from node.contract.topics import Topics
from node.domain import Presence
from node.mqtt.retained import Board

TOPICS = Topics("pi-1")
HEALTH = {"v": 1, "at": "now", "camera": "ok"}


def board() -> Board:
    """Return a board that has shown all it had."""
    made = Board(TOPICS, payloads.state(instant(0)))
    made.rewind()
    made.take()
    return made


def due(made: Board) -> list[str]:
    """Return the last level of the topics that are due."""
    return [topic.rsplit("/", 1)[1] for topic, _, _ in made.take()]


def test_after_a_connection_everything_is_due_in_order() -> None:
    """Home Assistant must know the device before its first state."""
    made = board()
    made.announce(b"{}")
    made.show(payloads.state(instant(1), 1), HEALTH)
    made.take()
    made.rewind()
    assert due(made) == ["config", "state", "health"]


def test_before_the_first_tick_an_emptied_state_is_shown() -> None:
    """What an earlier run left retained must not be taken for the present."""
    made = Board(TOPICS, payloads.state(instant(0)))
    made.rewind()
    ((topic, payload, retain),) = made.take()
    assert topic == TOPICS.state
    assert retain
    assert json.loads(payload)["count"] == 0


def test_state_is_due_when_more_than_its_times_changes() -> None:
    """Ten ticks a second with nobody new send nothing."""
    made = board()
    ada = (Presence("ada", instant(1)),)
    made.show(payloads.state(instant(1), 1, ada, {"ada": instant(1)}))
    assert due(made) == ["state"]
    made.show(payloads.state(instant(2), 1, ada, {"ada": instant(2)}))
    assert due(made) == []
    made.show(payloads.state(instant(3), 2, ada, {"ada": instant(3)}))
    assert due(made) == ["state"]


def test_times_alone_go_out_with_the_next_health() -> None:
    """`last_seen` is at most one health period old."""
    made = board()
    made.show(payloads.state(instant(1), 1, (), {"ada": instant(1)}))
    made.take()
    made.show(payloads.state(instant(2), 1, (), {"ada": instant(2)}), HEALTH)
    assert due(made) == ["state", "health"]
    made.show(payloads.state(instant(3), 1, (), {"ada": instant(2)}), HEALTH)
    assert due(made) == ["health"]


def test_only_the_latest_is_sent() -> None:
    """What came and went while the broker was away is not told as if it were now."""
    made = board()
    for count in (1, 2, 3):
        made.show(payloads.state(instant(count), count))
    ((_, payload, _),) = made.take()
    assert json.loads(payload)["count"] == 3


def test_it_rings_only_when_something_is_due() -> None:
    """A quiet tick does not wake the publisher."""
    made = board()
    rung: list[int] = []
    made.when_changed(lambda: rung.append(1))
    made.show(payloads.state(instant(1)))
    assert rung == []
    made.show(payloads.state(instant(2), 1))
    assert rung == [1]


def test_it_rings_once_for_what_nobody_takes() -> None:
    """While the broker is away nobody takes: a ring with every frame would fill the memory."""
    made = board()
    rung: list[int] = []
    made.when_changed(lambda: rung.append(1))
    for number in range(2000):
        made.show(payloads.state(instant(number), number))
    assert rung == [1]
    made.take()
    made.show(payloads.state(instant(3000), 3000))
    assert rung == [1, 1]


def test_home_assistants_start_brings_the_ghosts_once_and_directly_before_discovery() -> None:
    """It removes only what it knows: it is told of them, not retained, and in the next message that they are gone."""
    made = board()
    made.announce(b"gone", b"ghosts")
    assert [payload for _, payload, _ in made.take()] == [b"gone"]
    made.greet()
    assert [(payload, retain) for _, payload, retain in made.take()] == [(b"ghosts", False), (b"gone", True)]
    made.rewind()
    assert b"ghosts" not in [payload for _, payload, _ in made.take()]


def test_ghosts_are_laid_when_the_broker_has_taken_what_removes_them() -> None:
    """A connection that is lost in between must not make the node forget them."""
    made = board()
    made.announce(b"gone", b"ghosts")
    made.take()
    made.confirm(TOPICS.discovery, b"gone")
    assert not made.laid()
    made.greet()
    made.take()
    assert not made.laid()
    made.confirm(TOPICS.state, b"gone")
    made.confirm(TOPICS.discovery, b"ghosts")
    assert not made.laid()
    made.confirm(TOPICS.discovery, b"gone")
    assert made.laid()
    made.announce(b"nobody")
    assert not made.laid()
