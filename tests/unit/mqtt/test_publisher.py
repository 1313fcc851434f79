"""How the publisher connects, delivers, backs off and takes leave."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_link import FakeLink, event
from makers import instant
from manual_clock import ManualClock

from node.contract import payloads
from node.contract.topics import Kind, Topics
from node.errors import BrokerError
from node.mqtt.backoff import Pace
from node.mqtt.link import Link, Lost, Received, Report
from node.mqtt.publisher import Publisher
from node.mqtt.retained import Board
from node.outbox.outbox import Outbox

TOPICS = Topics("pi-1")
QUICK = Pace(first_s=0.01, most_s=0.02, birth_s=0.01, again_s=0.01)


class Broker:
    """Makes links that answer everything; the first attempts fail with the given sentences."""

    def __init__(self, *failures: str) -> None:
        self.failures = list(failures)
        self.links: list[FakeLink] = []
        self.made = threading.Semaphore(0)

    def connect(self, report: Callable[[Report], None]) -> Link:
        """Make one connection attempt."""
        if self.failures:
            raise BrokerError(self.failures.pop(0))
        link = FakeLink(report)
        self.links.append(link)
        self.made.release()
        return link


class Post:
    """A publisher with all it needs."""

    def __init__(self, folder: Path, *failures: str) -> None:
        self.broker = Broker(*failures)
        self.outbox = Outbox(folder, ManualClock())
        self.board = Board(TOPICS, payloads.state(instant(0)))
        self.received: list[Received] = []
        self.publisher = Publisher(
            TOPICS, self.outbox, self.board, self.broker.connect, receive=self.received.append, pace=QUICK
        )

    def close(self) -> None:
        """Stop the publisher and close the outbox."""
        if self.publisher.alive:
            self.publisher.stop(payloads.state(instant(9)))
        self.outbox.close()


def wait_for(condition: Callable[[], bool]) -> bool:
    """Ask until a condition holds, for at most some seconds; return whether it held."""
    pause = threading.Event()
    for _ in range(500):
        if condition():
            return True
        pause.wait(0.01)
    return False


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Callable[..., Post]]:
    """Return what makes and starts a publisher."""
    made: list[Post] = []

    def start(*failures: str) -> Post:
        one = Post(tmp_path, *failures)
        made.append(one)
        one.publisher.start()
        return one

    yield start
    for one in made:
        one.close()


def test_what_is_put_is_delivered(post: Callable[..., Post]) -> None:
    """Draining waits until the broker has everything."""
    one = post()
    one.outbox.put([event(number) for number in range(50)])
    assert one.publisher.drain(5)
    assert one.outbox.counts().waiting == 0


def test_what_is_only_good_now_is_sent_now_or_never(post: Callable[..., Post]) -> None:
    """An answer waits for the next connection; a picture of an hour ago would look like one of now."""
    one = post()
    assert one.publisher.wait_connected(5)
    assert one.publisher.flash("first", b"1")
    one.outbox.put([event(1)])
    assert one.publisher.drain(5)
    (link,) = one.broker.links
    assert link.topics.index("first") < link.topics.index(TOPICS.message(Kind.EVENT, "unknown"))
    one.broker.failures = ["nothing listens"] * 10_000
    link.report(Lost("the broker closed the connection"))
    one.publisher.flash("picture", b"2")
    one.publisher.say("answer", b"3")
    one.broker.failures.clear()
    one.outbox.put([event(2)])
    assert one.publisher.drain(5)
    assert one.broker.links[1].topics.count("picture") == 0
    assert [each for link in one.broker.links for each in link.topics].count("answer") <= 1


def test_without_a_connection_what_is_only_good_now_is_refused(tmp_path: Path) -> None:
    """Whoever asked is told, instead of waiting."""
    one = Post(tmp_path)
    assert not one.publisher.flash("picture", b"1")
    one.outbox.put([event(1)])
    one.publisher.start()
    assert one.publisher.drain(5)
    assert "picture" not in one.broker.links[0].topics
    one.close()


def test_a_failure_is_said_once_and_its_change_too(post: Callable[..., Post], caplog: pytest.LogCaptureFixture) -> None:
    """A broker that is away for a night leaves two lines in the log, not a thousand."""
    one = post("nothing listens", "nothing listens", "nothing listens", "refused")
    assert one.publisher.wait_connected(5)
    said = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert said == ["broker: nothing listens; trying again", "broker: refused; trying again"]


def test_a_lost_connection_is_made_again_and_nothing_is_lost(post: Callable[..., Post]) -> None:
    """What was on its way is sent again on the new connection."""
    one = post()
    one.broker.made.acquire()
    assert one.publisher.wait_connected(5)
    silent = one.broker.links[0]
    silent.report, report = (lambda _report: None), silent.report
    one.outbox.put([event(1)])
    report(Lost("the broker closed the connection"))
    assert one.publisher.drain(5)
    assert silent.closed
    assert "facenode/pi-1/event/unknown" in one.broker.links[1].topics


def test_a_clean_stop_empties_the_state_and_says_offline(post: Callable[..., Post]) -> None:
    """The last two messages of a node are those, and then it closes the connection."""
    one = post()
    assert one.publisher.wait_connected(5)
    one.publisher.stop(payloads.state(instant(9)))
    (link,) = one.broker.links
    assert link.sent[-2:] == [
        (TOPICS.state, payloads.dump(payloads.state(instant(9))), True),
        (TOPICS.status, b"offline", True),
    ]
    assert link.closed
    assert not one.publisher.alive


def test_a_stop_without_a_broker_is_quick(post: Callable[..., Post]) -> None:
    """Nobody waits for a broker that is not there."""
    one = post(*["nothing listens"] * 10_000)
    one.publisher.stop(payloads.state(instant(9)))
    assert not one.publisher.alive


def test_home_assistants_birth_brings_discovery_again(post: Callable[..., Post]) -> None:
    """A broker's cluster may have lost the retained message."""
    one = post()
    one.board.announce(b'{"dev":{}}')
    assert one.publisher.wait_connected(5)
    (link,) = one.broker.links
    link.report(Received(TOPICS.birth, b"online", retained=False))
    assert wait_for(lambda: link.topics.count(TOPICS.discovery) >= 2)
    assert link.topics.count(TOPICS.discovery) == 2


def test_what_is_retained_follows_the_answer_to_a_birth(post: Callable[..., Post]) -> None:
    """Home Assistant knows the topics only by then, and its broker of a cluster may have nothing retained for it."""
    one = post()
    one.board.show(payloads.state(instant(0)), {"v": 1})
    one.board.announce(b'{"dev":{}}')
    assert one.publisher.wait_connected(5)
    (link,) = one.broker.links
    assert wait_for(lambda: TOPICS.health in link.topics)
    before = len(link.sent)
    link.report(Received(TOPICS.birth, b"online", retained=False))
    assert wait_for(lambda: link.topics.count(TOPICS.health) >= 2)
    again = link.topics[before:]
    assert again[0] == TOPICS.discovery
    assert set(again[1:]) == {TOPICS.status, TOPICS.state, TOPICS.health}
    assert {retain for _, _, retain in link.sent} == {True}


def test_without_a_birth_nothing_is_said_twice(post: Callable[..., Post]) -> None:
    """Whoever counts how often a node has come online is not misled."""
    one = post()
    one.board.announce(b'{"dev":{}}')
    assert one.publisher.wait_connected(5)
    one.outbox.put([event(1)])
    assert one.publisher.drain(5)
    one.publisher.stop(payloads.state(instant(9)))
    (link,) = one.broker.links
    assert [payload for topic, payload, _ in link.sent if topic == TOPICS.status] == [b"online", b"offline"]


def test_requests_are_handed_on(post: Callable[..., Post]) -> None:
    """Whoever takes requests gets every message to them."""
    one = post()
    assert one.publisher.wait_connected(5)
    (link,) = one.broker.links
    request = Received(TOPICS.request("check"), b"{}", retained=False)
    link.report(request)
    one.outbox.put([event(1)])
    assert one.publisher.drain(5)
    assert one.received == [request]
    assert TOPICS.requests in link.filters


def test_a_connection_that_is_cut_again_and_again_points_to_a_twin(
    post: Callable[..., Post], caplog: pytest.LogCaptureFixture
) -> None:
    """Not every broker says that another client took over; two nodes of one name must not fill the log."""
    one = post()
    for _ in range(8):
        one.broker.made.acquire()
        one.broker.links[-1].report(Lost("the broker closed the connection"))
    said = [record.message for record in caplog.records if record.levelname == "WARNING"]
    cut = "broker: the broker closed the connection"
    twin = ", again and again: is there another node with this node.id?"
    assert said == [f"{cut}; trying again", f"{cut}; trying again", f"{cut}{twin}; trying again"]


def test_home_assistants_birth_is_heard_only_with_a_discovery(post: Callable[..., Post]) -> None:
    """A node without Home Assistant asks for no topic of its, which an access list may refuse."""
    one = post()
    assert one.publisher.wait_connected(5)
    one.outbox.put([event(1)])
    assert one.publisher.drain(5)
    (link,) = one.broker.links
    assert link.filters == [TOPICS.requests]
    one.board.announce(b'{"dev":{}}')
    one.outbox.put([event(2)])
    assert one.publisher.drain(5)
    assert link.filters == [TOPICS.requests, TOPICS.birth]


def test_what_is_put_while_there_is_no_broker_is_delivered_at_once_when_there_is(post: Callable[..., Post]) -> None:
    """A ring that nobody heard must not swallow the next one."""
    one = post(*["nothing listens"] * 20)
    one.outbox.put([event(1), event(2)])
    for number in range(3, 40):
        one.outbox.put([event(number)])
        one.board.show(payloads.state(instant(number), number))
    assert one.publisher.drain(5)
    began_s = time.monotonic()
    for number in range(40, 60):
        one.outbox.put([event(number)])
        assert one.publisher.drain(5)
    # A lost ring costs a turn of one second; twenty deliveries take milliseconds.
    assert time.monotonic() - began_s < 5.0
