"""When a node leaves a subscription, when it tries again, and what health says meanwhile."""

import logging

import pytest
from fake_link import TOPICS, FakeLink

from node.contract.topics import Topics
from node.mqtt.link import Lost, Received, Subscribed
from node.mqtt.subscriptions import BURST, FLOOD_PAUSE_S, PAUSE_S, PROBATION_S, REFUSED_S, Subscriptions

REQUEST = Received(TOPICS.request("check"), b"{}", retained=False)
BIRTH = Received(TOPICS.births[0], b"online", retained=False)
GRANTED, NO_REASON, DENIED = 1, 0x80, 0x87


class Fixture:
    """Subscriptions, a link that does not answer by itself, and a clock that a test turns."""

    def __init__(self, topics: Topics = TOPICS) -> None:
        self.subscriptions = Subscriptions(topics, requests=True)
        self.now_s = 1000.0
        self.connect()

    @property
    def requests(self) -> str:
        """What health says about requests."""
        return str(self.subscriptions.requests)

    def connect(self, code: int = GRANTED) -> None:
        """Make a new connection, whose subscriptions get this answer."""
        self.link = FakeLink(self._report)
        self.link.subscription_code = code
        self._answers: list[Subscribed] = []
        self.subscriptions.connected()
        self.update()

    def _report(self, report: object) -> None:
        assert isinstance(report, Subscribed)
        self._answers.append(report)

    def update(self) -> None:
        """Subscribe to what is due, and take in the answers."""
        self.subscriptions.update(self.link, self.now_s, births=True)
        for each in self._answers:
            self.subscriptions.answer(each, self.now_s)
        self._answers.clear()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now_s += seconds
        self.update()

    def flood(self, message: Received, count: int) -> list[bool]:
        """Send many messages at once; return which are handled."""
        return [self.subscriptions.take(message, self.link, self.now_s) for _ in range(count)]


@pytest.fixture
def fixture() -> Fixture:
    """Return subscriptions with a connection."""
    return Fixture()


def test_a_node_listens_to_requests_and_to_both_birth_topics() -> None:
    """Home Assistant's birth topic keeps its default where only the prefix of discovery is changed."""
    assert Fixture().link.filters == [TOPICS.requests, "homeassistant/status"]
    other = Fixture(Topics("pi-1", "ha/home"))
    assert other.link.filters == [TOPICS.requests, "ha/home/status", "homeassistant/status"]


@pytest.mark.parametrize(
    ("topic", "left"), [(TOPICS.request("check"), TOPICS.requests), ("homeassistant/status", "homeassistant/status")]
)
def test_after_a_message_that_is_too_large_its_subscription_is_left_for_ten_minutes(
    fixture: Fixture, topic: str, left: str
) -> None:
    """A retained one would end each connection; the other subscriptions stay."""
    everything = set(fixture.link.filters)
    fixture.subscriptions.lost(Lost("too large", topic=topic), fixture.now_s)
    fixture.connect()
    assert set(fixture.link.filters) == everything - {left}
    fixture.wait(PAUSE_S - 1)
    assert left not in fixture.link.filters
    fixture.wait(1)
    assert left in fixture.link.filters


def test_requests_are_paused_until_they_have_been_back_for_ten_seconds(
    fixture: Fixture, caplog: pytest.LogCaptureFixture
) -> None:
    """Health does not change back and forth with each attempt, and the log has one line a change."""
    caplog.set_level(logging.INFO)
    states = []
    for _ in range(3):
        fixture.subscriptions.lost(Lost("too large", topic=REQUEST.topic), fixture.now_s)
        fixture.connect()
        fixture.wait(PAUSE_S)
        fixture.wait(PROBATION_S - 1)
        states.append(fixture.requests)
    assert states == ["paused"] * 3
    fixture.wait(1)
    assert fixture.requests == "on"
    assert [record.message for record in caplog.records] == [
        "requests: paused: a message was too large: not subscribed for 10 minutes",
        "requests: on again",
    ]


def test_a_connection_that_ends_for_another_reason_pauses_nothing(fixture: Fixture) -> None:
    """The next connection has the same subscriptions, at once."""
    before = list(fixture.link.filters)
    for lost in (Lost("gone"), Lost("too large", topic="facenode/other/request/check")):
        fixture.subscriptions.lost(lost, fixture.now_s)
        fixture.connect()
        assert fixture.link.filters == before
    assert fixture.requests == "on"


def test_a_flood_of_requests_is_left_for_a_minute(fixture: Fixture, caplog: pytest.LogCaptureFixture) -> None:
    """The node unsubscribes, drops what is on its way, comes back, and leaves again."""
    caplog.set_level(logging.INFO)
    assert fixture.flood(REQUEST, 150) == [True] * BURST + [False] * 50
    assert fixture.link.filters == ["homeassistant/status"]
    assert fixture.requests == "paused"
    assert fixture.flood(BIRTH, 1) == [True]
    fixture.wait(FLOOD_PAUSE_S - 1)
    assert fixture.link.filters == ["homeassistant/status"]
    fixture.wait(1)
    assert TOPICS.requests in fixture.link.filters
    assert fixture.flood(REQUEST, 150) == [True] * BURST + [False] * 50
    assert fixture.link.filters == ["homeassistant/status"]
    assert len(caplog.records) == 1
    fixture.wait(FLOOD_PAUSE_S)
    fixture.wait(PROBATION_S)
    assert fixture.requests == "on"


def test_a_flood_of_birth_messages_is_left_too(fixture: Fixture) -> None:
    """Requests stay on."""
    fixture.flood(BIRTH, 150)
    assert fixture.link.filters == [TOPICS.requests]
    assert fixture.requests == "on"


def test_as_many_requests_as_are_answered_are_no_flood(fixture: Fixture) -> None:
    """A burst of 20, then 2 a second for an hour, and a burst of 100 now and then, are never left."""
    assert all(fixture.flood(REQUEST, 20))
    for second in range(3600):
        fixture.wait(1)
        assert all(fixture.flood(REQUEST, 100 if second % 60 == 59 else 2))
    assert TOPICS.requests in fixture.link.filters


def test_a_refused_subscription_is_tried_again(fixture: Fixture, caplog: pytest.LogCaptureFixture) -> None:
    """Health says so; an access list that is mended helps within ten minutes, or with the next connection."""
    caplog.set_level(logging.INFO)
    for _ in range(2):
        fixture.connect(DENIED)
        assert fixture.requests == "refused"
    assert len([record for record in caplog.records if "requests: refused: " in record.message]) == 1
    fixture.link.subscription_code = GRANTED
    fixture.wait(PAUSE_S)
    fixture.wait(PROBATION_S)
    assert fixture.requests == "on"


def test_a_refusal_without_a_reason_is_tried_again_soon(fixture: Fixture) -> None:
    """As in a cluster with a dead server: after 10 s, then after twice as long each time, up to 10 minutes."""
    fixture.connect(NO_REASON)
    waited = []
    for _ in range(9):
        fixture.link.filters.clear()
        seconds = 0
        while TOPICS.requests not in fixture.link.filters:
            fixture.wait(1)
            seconds += 1
        waited.append(seconds)
    assert waited == [10, 20, 40, 80, 160, 320, 600, 600, 600]
    fixture.link.subscription_code = GRANTED
    fixture.wait(PAUSE_S)
    fixture.wait(PROBATION_S)
    assert fixture.requests == "on"
    fixture.connect(NO_REASON)
    fixture.link.filters.clear()
    fixture.wait(REFUSED_S)
    assert TOPICS.requests in fixture.link.filters


def test_a_refusal_of_one_subscription_says_nothing_of_the_others(fixture: Fixture) -> None:
    """An access list may hide Home Assistant's topics from a node."""
    fixture.link.subscription_code = DENIED
    fixture.subscriptions.answer(Subscribed(DENIED, 2), fixture.now_s)
    assert fixture.requests == "on"
    fixture.subscriptions.answer(Subscribed(DENIED, 99), fixture.now_s)
    assert fixture.requests == "on"


def test_what_no_subscription_asked_for_is_not_handled(fixture: Fixture) -> None:
    """A broker may send anything."""
    assert fixture.flood(Received("facenode/other/request/check", b"{}", retained=False), 3) == [False] * 3
