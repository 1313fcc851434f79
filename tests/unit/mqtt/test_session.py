"""What a session sends, and how it handles the answers."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fake_link import TOPICS, FakeLink, alert, event
from makers import instant
from manual_clock import ManualClock

from node.contract import payloads
from node.contract.message import Message
from node.domain import DiscoveryState
from node.mqtt.link import Acknowledged
from node.mqtt.retained import Retained
from node.mqtt.session import History, Session
from node.outbox.outbox import Outbox


class Harness:
    """A session and what it uses. The broker does not answer; the test does."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.outbox = Outbox(folder, TOPICS, self.clock)
        self.retained = Retained(TOPICS, payloads.state(instant(0)))
        self.link = FakeLink(answer=lambda _topic: None)
        self.history = History()
        self.answered = 0
        self.session = self.begin()

    def begin(self) -> Session:
        """Return a session on a new connection."""
        return Session(self.link, TOPICS, self.outbox, self.retained, self.history)

    def pump(self, *once: Message) -> None:
        """Let the session send."""
        self.session.pump(self.clock.mono_s, once)

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
def harness(tmp_path: Path) -> Iterator[Harness]:
    """Return a harness."""
    with closing(Harness(tmp_path)) as made:
        yield made


def test_online_is_sent_before_anything_else(harness: Harness) -> None:
    """Home Assistant drops an event that arrives while the entity is unavailable."""
    harness.outbox.put([event(1), alert(2)])
    harness.retained.set_discovery(b"{}")
    harness.pump()
    assert harness.sent() == [
        "status",
        TOPICS.discovery,
        "state",
        "alert/night-stranger",
        "event/unknown",
    ]
    assert harness.link.sent[0] == Message(TOPICS.status, b"online", retain=True)


def test_events_and_alerts_are_never_retained(harness: Harness) -> None:
    """A retained `recognized` would open a door after a restart."""
    harness.outbox.put([event(1), alert(2)])
    harness.pump()
    assert [each.retain for each in harness.link.sent if "/event/" in each.topic or "/alert/" in each.topic] == [
        False,
        False,
    ]


def test_a_backlog_raises_the_row_limit_up_to_the_brokers_window(harness: Harness) -> None:
    """A broker may close the connection of a client that sends more at once than it allows."""
    harness.outbox.put([event(number) for number in range(100)])
    harness.pump()
    most = 0
    while harness.outbox.counts().waiting > 10:
        most = max(most, len(harness.link.sent) - harness.answered)
        harness.answer()
        harness.pump()
    assert most == harness.link.window


def test_few_rows_are_in_flight_without_a_backlog(harness: Harness) -> None:
    """Rows in flight when the connection ends are sent twice."""
    harness.pump()
    harness.answer(count=2)
    for number in range(20):
        harness.outbox.put([event(number)])
        harness.pump()
        harness.answer()
        harness.pump()
    harness.outbox.put([event(number) for number in range(20, 30)])
    before = len(harness.link.sent)
    harness.pump()
    assert len(harness.link.sent) - before == 2


def test_a_row_is_deleted_only_on_success(harness: Harness) -> None:
    """0x10 (no subscribers) is a success; no answer is not."""
    harness.outbox.put([event(1), event(2)])
    harness.pump()
    harness.answer(count=2)
    harness.answer(0x10)
    harness.pump()
    assert harness.outbox.counts().waiting == 1


@pytest.mark.parametrize("code", [0x87, 0x90, 0x95, 0x99])
def test_a_final_refusal_sets_the_row_aside(harness: Harness, code: int) -> None:
    """A message that the broker never accepts must not block the others."""
    harness.outbox.put([event(1)])
    harness.pump()
    harness.answer(count=2)
    harness.answer(code)
    assert (harness.outbox.counts().waiting, harness.outbox.counts().rejected) == (0, 1)


@pytest.mark.parametrize("code", [0x80, 0x83, 0x97])
def test_after_a_temporary_refusal_a_row_is_sent_again_with_growing_pauses(harness: Harness, code: int) -> None:
    """An exceeded quota must neither lose the row nor cause a flood of attempts."""
    harness.outbox.put([event(1)])
    harness.pump()
    harness.answer(count=2)
    tries = []
    for _ in range(4):
        harness.answer(code)
        before, waited = len(harness.link.sent), 0.0
        while len(harness.link.sent) == before and waited < 100:
            harness.clock.mono_s += 0.5
            waited += 0.5
            harness.pump()
        tries.append(waited)
    assert tries == [1.0, 2.0, 4.0, 8.0]
    assert harness.outbox.counts().waiting == 1


def test_a_refused_retained_message_is_sent_again(harness: Harness) -> None:
    """Without its discovery Home Assistant would not know the node until the next connection."""
    harness.retained.set_discovery(b"{}")
    harness.pump()
    harness.answer()
    harness.answer(0x97)
    harness.pump()
    assert harness.sent().count(TOPICS.discovery) == 1
    harness.clock.mono_s += 1
    harness.pump()
    assert harness.sent().count(TOPICS.discovery) == 2


def test_a_refused_status_is_logged_once_over_all_sessions(harness: Harness, caplog: pytest.LogCaptureFixture) -> None:
    """Otherwise a wrong access list would add log lines with every connection."""
    harness.pump()
    harness.answer(0x87)
    harness.session = harness.begin()
    harness.pump()
    harness.answered = 2
    harness.answer(0x87)
    assert [record.message.split(":")[1].strip() for record in caplog.records] == [TOPICS.status]


def test_a_message_too_large_for_the_broker_is_not_sent(harness: Harness) -> None:
    """The broker would close every connection."""
    harness.link.max_bytes = 200
    harness.outbox.put([event(1, padding=300), event(2)])
    harness.pump()
    assert [json.loads(each.payload)["number"] for each in harness.link.sent if "/event/" in each.topic] == [2]
    assert harness.outbox.counts().rejected == 1


def test_a_late_row_is_sent_on_the_late_topic(harness: Harness) -> None:
    """The topic says that a message was not sent in time."""
    harness.outbox.put([event(1), alert(2)])
    harness.clock.mono_s += 31
    harness.pump()
    assert harness.sent()[-2:] == ["late/event/unknown", "late/alert/night-stranger"]


def test_a_publish_without_an_answer_is_overdue(harness: Harness) -> None:
    """A broker that accepts a connection and then answers nothing is useless."""
    harness.pump()
    assert not harness.session.overdue(harness.clock.mono_s + 15, 15)
    assert harness.session.overdue(harness.clock.mono_s + 15.1, 15)


def test_leaving_ends_with_an_empty_state_and_offline(harness: Harness) -> None:
    """A node that has stopped shows nobody as present; unsent rows stay in the outbox."""
    harness.outbox.put([event(number) for number in range(20)])
    harness.pump()
    harness.session.leave(payloads.state(instant(9)), harness.clock.mono_s)
    harness.answer(count=8)
    harness.session.flush(harness.clock.mono_s)
    assert harness.sent()[-2:] == ["state", "status"]
    assert harness.link.sent[-1] == Message(TOPICS.status, b"offline", retain=True)
    assert harness.outbox.counts().waiting == 18


def test_answers_that_wait_for_room_are_sent_before_offline(harness: Harness) -> None:
    """A request made just before the node stops still gets its answer."""
    topics = [TOPICS.response(f"verb-{number}") for number in range(12)]
    harness.pump(*(Message(topic, b"{}") for topic in topics))
    assert len(harness.link.sent) == harness.link.window
    harness.session.leave(payloads.state(instant(9)), harness.clock.mono_s)
    while not harness.session.idle:
        harness.answer()
        harness.session.flush(harness.clock.mono_s)
    assert [topic for topic in harness.link.topics if topic in topics] == topics
    assert harness.sent()[-2:] == ["state", "status"]


def test_a_row_that_ends_the_connection_as_too_large_is_rejected(harness: Harness) -> None:
    """It would end every connection, and no row behind it would ever be sent."""
    harness.outbox.put([event(1), event(2, padding=600)])
    harness.pump()
    harness.session.connection_lost(0x95)
    assert (harness.outbox.counts().waiting, harness.outbox.counts().rejected) == (1, 1)


def test_a_row_acknowledged_before_the_connection_ends_is_not_sent_again(harness: Harness) -> None:
    """An answer that came together with the end of the connection counts."""
    harness.outbox.put([event(1)])
    harness.pump()
    harness.answer(count=3)
    harness.session.connection_lost(0)
    assert harness.outbox.counts().waiting == 0


def test_the_latest_version_of_a_refused_retained_message_is_sent(harness: Harness) -> None:
    """An old state after a newer one would show a person as present who has left."""
    harness.pump()
    harness.answer()
    harness.answer(0x97)
    harness.retained.update(payloads.state(instant(1), 1))
    harness.pump()
    harness.answer()
    harness.clock.mono_s += 1
    harness.pump()
    states = [json.loads(each.payload)["count"] for each in harness.link.sent if each.topic == TOPICS.state]
    assert states == [0, 1, 1]


def test_a_refused_status_is_sent_again(harness: Harness) -> None:
    """`Retained` holds no status: the session keeps it."""
    harness.pump()
    harness.answer(0x97)
    harness.clock.mono_s += 1
    harness.pump()
    assert harness.sent().count("status") == 2


def test_a_discovery_on_which_connections_ended_is_sent_again_after_an_hour(harness: Harness) -> None:
    """The connections may have ended for another reason: discovery must not be missing until the next start."""
    harness.retained.set_discovery(b" " * 2000)
    for _ in range(3):
        harness.pump()
        harness.session.connection_lost(0)
        harness.session = harness.begin()
    harness.pump()
    assert harness.sent().count(TOPICS.discovery) == 3
    harness.clock.mono_s += 3599
    harness.pump()
    assert harness.sent().count(TOPICS.discovery) == 3
    harness.clock.mono_s += 1
    harness.pump()
    assert harness.sent().count(TOPICS.discovery) == 4
    harness.session.connection_lost(0)
    harness.session = harness.begin()
    harness.pump()
    assert harness.sent().count(TOPICS.discovery) == 4


def discovery_state(harness: Harness) -> DiscoveryState | None:
    """Return whether the broker has the discovery, as health has it."""
    return harness.retained.discovery_state


def test_a_discovery_too_large_for_the_broker_is_said_once_and_again_when_it_is_accepted(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    """Home Assistant then finds no node: the log names both sizes, and health says so until a broker takes it."""
    caplog.set_level("INFO")
    harness.retained.set_discovery(b"x" * 400)
    assert discovery_state(harness) is None
    harness.link.max_bytes = 300
    for _ in range(2):
        harness.session = harness.begin()
        harness.pump()
    assert TOPICS.discovery not in harness.link.topics
    assert discovery_state(harness) is DiscoveryState.TOO_LARGE
    (record,) = caplog.records
    size = Message(TOPICS.discovery, b"x" * 400).packet_bytes
    assert f"{size} bytes are more than the broker's maximum of 300" in record.message
    assert "Home Assistant does not find this node" in record.message
    harness.link.max_bytes = None
    harness.session = harness.begin()
    harness.pump()
    harness.answer(count=len(harness.link.sent))
    assert discovery_state(harness) is DiscoveryState.ON
    assert [each.message for each in caplog.records[1:]] == [f"broker: {TOPICS.discovery}: accepted again"]


def test_a_denied_discovery_shows_in_health(harness: Harness) -> None:
    """The broker's access list keeps Home Assistant from finding the node; without a discovery there is no fault."""
    assert discovery_state(harness) is DiscoveryState.OFF
    harness.retained.set_discovery(b"{}")
    harness.session = harness.begin()
    harness.pump()
    harness.answer()
    harness.answer(0x87)
    assert discovery_state(harness) is DiscoveryState.REFUSED
