"""What a session sends, and what it makes of the answers."""

import json
from collections import deque
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from brokers import HandClock, HandLink, alert, event
from makers import instant

from node.contract import payloads
from node.contract.topics import Topics
from node.mqtt.link import Acknowledged
from node.mqtt.retained import Board
from node.mqtt.session import Experience, Letter, Session
from node.outbox.outbox import Outbox

TOPICS = Topics("pi-1")


class Desk:
    """A session with all it needs; the broker is silent, the test answers."""

    def __init__(self, folder: Path) -> None:
        self.clock = HandClock()
        self.outbox = Outbox(folder, self.clock)
        self.board = Board(TOPICS, payloads.state(instant(0)))
        self.link = HandLink(answer=lambda _topic: None)
        self.voice: deque[Letter] = deque()
        self.experience = Experience()
        self.answered = 0
        self.session = self.begin()

    def begin(self) -> Session:
        """Return a session on a new connection."""
        return Session(self.link, TOPICS, self.outbox, self.board, voice=self.voice, experience=self.experience)

    def pump(self) -> None:
        """Let the session send."""
        self.session.pump(self.clock.mono_s)

    def answer(self, code: int = 0, count: int = 1) -> None:
        """Answer the oldest publishes."""
        for _ in range(count):
            self.answered += 1
            self.session.acknowledge(Acknowledged(self.answered, code), self.clock.mono_s)

    def sent(self) -> list[str]:
        """Return topics without the node's base."""
        return [topic.removeprefix(f"{TOPICS.base}/") for topic in self.link.topics]

    def close(self) -> None:
        """Close the outbox."""
        self.outbox.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Return a desk."""
    with closing(Desk(tmp_path)) as made:
        yield made


def test_online_goes_before_anything_else(desk: Desk) -> None:
    """Home Assistant drops an event that comes while the entity is unavailable."""
    desk.outbox.put([event(1), alert(2)])
    desk.board.announce(b"{}")
    desk.pump()
    assert desk.sent() == [
        "status",
        TOPICS.discovery,
        "state",
        "alert/night-stranger",
        "event/unknown",
    ]
    assert desk.link.sent[0] == (TOPICS.status, b"online", True)


def test_events_and_alerts_are_never_retained(desk: Desk) -> None:
    """A retained `recognized` would open a door after a restart."""
    desk.outbox.put([event(1), alert(2)])
    desk.pump()
    assert [retain for topic, _, retain in desk.link.sent if "/event/" in topic or "/alert/" in topic] == [False, False]


def test_a_backlog_widens_the_window_up_to_the_brokers(desk: Desk) -> None:
    """A broker may close the connection of who sends more at once than it allows."""
    desk.outbox.put([event(number) for number in range(100)])
    desk.pump()
    most = 0
    while desk.outbox.counts().waiting > 10:
        most = max(most, len(desk.link.sent) - desk.answered)
        desk.answer()
        desk.pump()
    assert most == desk.link.window


def test_few_rows_are_in_flight_while_there_is_no_backlog(desk: Desk) -> None:
    """What is in flight when the connection ends comes twice."""
    desk.pump()
    desk.answer(count=2)
    for number in range(20):
        desk.outbox.put([event(number)])
        desk.pump()
        desk.answer()
        desk.pump()
    desk.outbox.put([event(number) for number in range(20, 30)])
    before = len(desk.link.sent)
    desk.pump()
    assert len(desk.link.sent) - before == 2


def test_a_row_is_deleted_on_a_good_answer_only(desk: Desk) -> None:
    """0x10, nobody subscribed, is a success; silence is not."""
    desk.outbox.put([event(1), event(2)])
    desk.pump()
    desk.answer(count=2)
    desk.answer(0x10)
    desk.pump()
    assert desk.outbox.counts().waiting == 1


@pytest.mark.parametrize("code", [0x87, 0x90, 0x95, 0x99])
def test_a_final_refusal_sets_the_row_aside(desk: Desk, code: int) -> None:
    """A message that the broker never takes must not block the others."""
    desk.outbox.put([event(1)])
    desk.pump()
    desk.answer(count=2)
    desk.answer(code)
    assert (desk.outbox.counts().waiting, desk.outbox.counts().rejected) == (0, 1)


@pytest.mark.parametrize("code", [0x80, 0x83, 0x97])
def test_a_passing_refusal_is_tried_again_later_and_later(desk: Desk, code: int) -> None:
    """A full quota must neither lose the row nor be hammered."""
    desk.outbox.put([event(1)])
    desk.pump()
    desk.answer(count=2)
    tries = []
    for _ in range(4):
        desk.answer(code)
        before, waited = len(desk.link.sent), 0.0
        while len(desk.link.sent) == before and waited < 100:
            desk.clock.mono_s += 0.5
            waited += 0.5
            desk.pump()
        tries.append(waited)
    assert tries == [1.0, 2.0, 4.0, 8.0]
    assert desk.outbox.counts().waiting == 1


def test_a_retained_message_is_tried_again_too(desk: Desk) -> None:
    """Without its discovery Home Assistant would not know the node until the next connection."""
    desk.board.announce(b"{}")
    desk.pump()
    desk.answer()
    desk.answer(0x97)
    desk.pump()
    assert desk.sent().count(TOPICS.discovery) == 1
    desk.clock.mono_s += 1
    desk.pump()
    assert desk.sent().count(TOPICS.discovery) == 2


def test_a_refused_status_is_said_once_over_all_sessions(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """An access list that is wrong would else fill the log at every connection."""
    desk.pump()
    desk.answer(0x87)
    desk.session = desk.begin()
    desk.pump()
    desk.answered = 2
    desk.answer(0x87)
    assert [record.message.split(":")[1].strip() for record in caplog.records] == [TOPICS.status]


def test_a_message_too_large_for_the_broker_is_not_sent(desk: Desk) -> None:
    """The broker would close the connection, again and again."""
    desk.link.max_bytes = 200
    desk.outbox.put([event(1, padding=300), event(2)])
    desk.pump()
    assert [json.loads(payload)["number"] for topic, payload, _ in desk.link.sent if "/event/" in topic] == [2]
    assert desk.outbox.counts().rejected == 1


def test_a_row_is_sent_as_late_when_it_has_become_so(desk: Desk) -> None:
    """What could not be sent in time says so by its topic."""
    desk.outbox.put([event(1), alert(2)])
    desk.clock.mono_s += 31
    desk.pump()
    assert desk.sent()[-2:] == ["late/event/unknown", "late/alert/night-stranger"]


def test_silence_is_found(desk: Desk) -> None:
    """A broker that accepts and answers nothing is no broker."""
    desk.pump()
    assert not desk.session.overdue(desk.clock.mono_s + 15, 15)
    assert desk.session.overdue(desk.clock.mono_s + 15.1, 15)


def test_taking_leave_empties_the_state_and_says_offline_last(desk: Desk) -> None:
    """Nobody is shown as present by a node that is gone; rows that were not sent stay."""
    desk.outbox.put([event(number) for number in range(20)])
    desk.pump()
    desk.session.take_leave(payloads.state(instant(9)), desk.clock.mono_s)
    desk.answer(count=8)
    desk.session.flush(desk.clock.mono_s)
    assert desk.sent()[-2:] == ["state", "status"]
    assert desk.link.sent[-1] == (TOPICS.status, b"offline", True)
    assert desk.outbox.counts().waiting == 18


def test_answers_that_wait_for_room_are_sent_before_the_goodbye(desk: Desk) -> None:
    """Whoever asked just before the node stops still gets the answer, within the time for leaving."""
    topics = [TOPICS.response(f"verb-{number}") for number in range(12)]
    desk.voice.extend(Letter(topic, b"{}") for topic in topics)
    desk.pump()
    assert len(desk.link.sent) == desk.link.window
    desk.session.take_leave(payloads.state(instant(9)), desk.clock.mono_s)
    while not desk.session.idle:
        desk.answer()
        desk.session.flush(desk.clock.mono_s)
    assert [topic for topic in desk.link.topics if topic in topics] == topics
    assert desk.sent()[-2:] == ["state", "status"]


def test_a_row_that_ends_the_connection_as_too_large_is_rejected(desk: Desk) -> None:
    """It would end every connection, and what waits behind it would never be sent."""
    desk.outbox.put([event(1), event(2, padding=300)])
    desk.pump()
    desk.session.lose(0x95)
    assert (desk.outbox.counts().waiting, desk.outbox.counts().rejected) == (1, 1)


def test_what_was_acknowledged_before_the_end_is_not_sent_again(desk: Desk) -> None:
    """An answer that came together with the end of the connection counts."""
    desk.outbox.put([event(1)])
    desk.pump()
    desk.answer(count=3)
    desk.session.lose(0)
    assert desk.outbox.counts().waiting == 0


def test_a_refused_retained_message_is_tried_again_as_it_is_by_then(desk: Desk) -> None:
    """An old state after a newer one would show somebody as present who has left."""
    desk.pump()
    desk.answer()
    desk.answer(0x97)
    desk.board.show(payloads.state(instant(1), 1))
    desk.pump()
    desk.answer()
    desk.clock.mono_s += 1
    desk.pump()
    states = [json.loads(payload)["count"] for topic, payload, _ in desk.link.sent if topic == TOPICS.state]
    assert states == [0, 1, 1]


def test_a_refused_status_is_tried_again(desk: Desk) -> None:
    """The board does not hold it."""
    desk.pump()
    desk.answer(0x97)
    desk.clock.mono_s += 1
    desk.pump()
    assert desk.sent().count("status") == 2


def test_a_discovery_that_ended_connections_is_tried_again_after_an_hour(desk: Desk) -> None:
    """Three connections may have ended for another reason: it must not be missing until the next start."""
    desk.board.announce(b" " * 2000)
    for _ in range(3):
        desk.pump()
        desk.session.lose(0)
        desk.session = desk.begin()
    desk.pump()
    assert desk.sent().count(TOPICS.discovery) == 3
    desk.clock.mono_s += 3599
    desk.pump()
    assert desk.sent().count(TOPICS.discovery) == 3
    desk.clock.mono_s += 1
    desk.pump()
    assert desk.sent().count(TOPICS.discovery) == 4
    desk.session.lose(0)
    desk.session = desk.begin()
    desk.pump()
    assert desk.sent().count(TOPICS.discovery) == 4
