"""How the publisher connects, delivers, backs off and stops."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fake_link import TOPICS, FakeLink, event
from makers import instant
from manual_clock import ManualClock

from node.contract import payloads
from node.contract.message import Message
from node.contract.topics import Kind
from node.domain import RequestsState
from node.errors import BrokerError
from node.mqtt import reason_codes
from node.mqtt.backoff import Timing
from node.mqtt.link import Link, Lost, Received, Report
from node.mqtt.publisher import Publisher
from node.mqtt.retained import Retained
from node.outbox.outbox import Outbox

QUICK = Timing(first_s=0.01, max_s=0.02, birth_s=0.01, repeat_s=0.01)


class Broker:
    """Makes links that answer everything, or as `answer` says; the first attempts fail with the given sentences."""

    def __init__(self, *failures: str, answer: Callable[[str], int | None] | None = None) -> None:
        self.failures = list(failures)
        self.answer = answer
        self.links: list[FakeLink] = []
        self.subscription_code = 1
        self.made = threading.Semaphore(0)

    def connect(self, report: Callable[[Report], None]) -> Link:
        """Make one connection attempt."""
        if self.failures:
            raise BrokerError(self.failures.pop(0))
        link = FakeLink(report, self.answer)
        link.subscription_code = self.subscription_code
        self.links.append(link)
        self.made.release()
        return link


class Harness:
    """A publisher and what it uses."""

    def __init__(
        self,
        folder: Path,
        *failures: str,
        max_rows: int = 100_000,
        answer: Callable[[str], int | None] | None = None,
    ) -> None:
        self.broker = Broker(*failures, answer=answer)
        self.outbox = Outbox(folder, TOPICS, ManualClock(), max_rows=max_rows)
        self.retained = Retained(TOPICS, payloads.state(instant(0)))
        self.received: list[Received] = []
        self.publisher = Publisher(
            TOPICS, self.outbox, self.retained, self.broker.connect, receive=self.received.append, timing=QUICK
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
def start(tmp_path: Path) -> Iterator[Callable[..., Harness]]:
    """Return what makes and starts a publisher."""
    made: list[Harness] = []

    def start_one(*failures: str, answer: Callable[[str], int | None] | None = None) -> Harness:
        one = Harness(tmp_path, *failures, answer=answer)
        made.append(one)
        one.publisher.start()
        return one

    yield start_one
    for one in made:
        one.close()


def test_messages_in_the_outbox_are_delivered(start: Callable[..., Harness]) -> None:
    """Draining waits until the broker has everything."""
    one = start()
    one.outbox.put([event(number) for number in range(50)])
    assert one.publisher.drain(5)
    assert one.outbox.counts().waiting == 0


def test_send_now_uses_the_present_connection_or_none(start: Callable[..., Harness]) -> None:
    """An answer waits for the next connection; an old picture would look like a new one."""
    one = start()
    assert one.publisher.wait_connected(5)
    assert one.publisher.send_now(Message("first", b"1"))
    one.outbox.put([event(1)])
    assert one.publisher.drain(5)
    (link,) = one.broker.links
    assert link.topics.index("first") < link.topics.index(TOPICS.message(Kind.EVENT, "unknown"))
    one.broker.failures = ["no server is listening"] * 10_000
    link.report(Lost("the broker closed the connection"))
    one.publisher.send_now(Message("picture", b"2"))
    one.publisher.send(Message("answer", b"3"))
    one.broker.failures.clear()
    one.outbox.put([event(2)])
    assert one.publisher.drain(5)
    assert one.broker.links[1].topics.count("picture") == 0
    assert [each for link in one.broker.links for each in link.topics].count("answer") <= 1


def test_send_now_returns_false_without_a_connection(tmp_path: Path) -> None:
    """The caller can answer at once that the broker is away."""
    one = Harness(tmp_path)
    assert not one.publisher.send_now(Message("picture", b"1"))
    one.outbox.put([event(1)])
    one.publisher.start()
    assert one.publisher.drain(5)
    assert "picture" not in one.broker.links[0].topics
    one.close()


def test_a_failure_is_logged_once_and_so_is_a_different_one(
    start: Callable[..., Harness], caplog: pytest.LogCaptureFixture
) -> None:
    """A broker that is away for a night causes two log lines, not a thousand."""
    one = start("no server is listening", "no server is listening", "no server is listening", "refused")
    assert one.publisher.wait_connected(5)
    logged = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert logged == ["broker: no server is listening; trying again", "broker: refused; trying again"]


def test_after_a_lost_connection_the_publisher_reconnects_and_loses_nothing(start: Callable[..., Harness]) -> None:
    """Messages in flight are sent again on the new connection."""
    one = start()
    one.broker.made.acquire()
    assert one.publisher.wait_connected(5)
    silent = one.broker.links[0]
    silent.report, report = (lambda _report: None), silent.report
    one.outbox.put([event(1)])
    report(Lost("the broker closed the connection"))
    assert one.publisher.drain(5)
    assert silent.closed
    assert "facenode/pi-1/event/unknown" in one.broker.links[1].topics


def test_a_clean_stop_ends_with_an_empty_state_and_offline(start: Callable[..., Harness]) -> None:
    """These are the last two messages of a node; then it closes the connection."""
    one = start()
    assert one.publisher.wait_connected(5)
    one.publisher.stop(payloads.state(instant(9)))
    (link,) = one.broker.links
    assert link.sent[-2:] == [
        Message(TOPICS.state, payloads.dump(payloads.state(instant(9))), retain=True),
        Message(TOPICS.status, b"offline", retain=True),
    ]
    assert link.closed
    assert not one.publisher.alive


def test_a_stop_without_a_broker_is_quick(start: Callable[..., Harness]) -> None:
    """Stopping does not wait for a broker that is away."""
    one = start(*["no server is listening"] * 10_000)
    one.publisher.stop(payloads.state(instant(9)))
    assert not one.publisher.alive


def test_discovery_is_sent_again_after_home_assistants_birth(start: Callable[..., Harness]) -> None:
    """A cluster of brokers may have lost the retained message."""
    one = start()
    one.retained.set_discovery(b'{"dev":{}}')
    assert one.publisher.wait_connected(5)
    (link,) = one.broker.links
    assert wait_for(lambda: TOPICS.births[0] in link.filters)
    link.report(Received(TOPICS.births[0], b"online", retained=False))
    assert wait_for(lambda: link.topics.count(TOPICS.discovery) >= 2)
    assert link.topics.count(TOPICS.discovery) == 2


def test_the_other_retained_messages_follow_the_discovery_after_a_birth(start: Callable[..., Harness]) -> None:
    """Home Assistant knows the topics only then, and its broker in a cluster may have no retained messages of them."""
    one = start()
    one.retained.update(payloads.state(instant(0)), {"v": 1})
    one.retained.set_discovery(b'{"dev":{}}')
    assert one.publisher.wait_connected(5)
    (link,) = one.broker.links
    assert wait_for(lambda: TOPICS.health in link.topics and TOPICS.births[0] in link.filters)
    before = len(link.sent)
    link.report(Received(TOPICS.births[0], b"online", retained=False))
    assert wait_for(lambda: link.topics.count(TOPICS.health) >= 2)
    again = link.topics[before:]
    assert again[0] == TOPICS.discovery
    assert set(again[1:]) == {TOPICS.status, TOPICS.state, TOPICS.health}
    assert {message.retain for message in link.sent} == {True}


def test_without_a_birth_nothing_is_sent_twice(start: Callable[..., Harness]) -> None:
    """A subscriber that counts how often a node comes online gets the right number."""
    one = start()
    one.retained.set_discovery(b'{"dev":{}}')
    assert one.publisher.wait_connected(5)
    one.outbox.put([event(1)])
    assert one.publisher.drain(5)
    one.publisher.stop(payloads.state(instant(9)))
    (link,) = one.broker.links
    assert [message.payload for message in link.sent if message.topic == TOPICS.status] == [b"online", b"offline"]


def test_requests_are_passed_on(start: Callable[..., Harness]) -> None:
    """Every message on a request topic reaches the callback."""
    one = start()
    assert one.publisher.wait_connected(5)
    (link,) = one.broker.links
    request = Received(TOPICS.request("check"), b"{}", retained=False)
    link.report(request)
    one.outbox.put([event(1)])
    assert one.publisher.drain(5)
    assert one.received == [request]
    assert TOPICS.requests in link.filters


def test_connections_that_keep_ending_point_to_another_node_with_the_same_id(
    start: Callable[..., Harness], caplog: pytest.LogCaptureFixture
) -> None:
    """Not every broker reports a takeover; two nodes with one id must not fill the log."""
    one = start()
    for _ in range(8):
        one.broker.made.acquire()
        one.broker.links[-1].report(Lost("the broker closed the connection"))
    logged = [record.message for record in caplog.records if record.levelname == "WARNING"]
    cut = "broker: the broker closed the connection"
    hint = ", repeatedly: is there another node with this node.id?"
    assert logged == [f"{cut}; trying again", f"{cut}; trying again", f"{cut}{hint}; trying again"]


def test_connections_that_end_on_packets_of_the_broker_point_to_nothing_else(
    start: Callable[..., Harness], caplog: pytest.LogCaptureFixture
) -> None:
    """The sentence says what the broker sent: there is no second node to look for."""
    one = start()
    for _ in range(6):
        one.broker.made.acquire()
        one.broker.links[-1].report(Lost("the broker sent a packet of QoS 2", by_packet=True))
    logged = {record.message for record in caplog.records if record.levelname == "WARNING"}
    assert logged == {"broker: the broker sent a packet of QoS 2; trying again"}


def test_home_assistants_birth_is_subscribed_to_only_with_a_discovery(start: Callable[..., Harness]) -> None:
    """A node without Home Assistant does not subscribe to its topics, which an access list may refuse."""
    one = start()
    assert one.publisher.wait_connected(5)
    one.outbox.put([event(1)])
    assert one.publisher.drain(5)
    (link,) = one.broker.links
    assert link.filters == [TOPICS.requests]
    one.retained.set_discovery(b'{"dev":{}}')
    one.outbox.put([event(2)])
    assert one.publisher.drain(5)
    assert link.filters == [TOPICS.requests, TOPICS.births[0]]


def test_messages_put_while_the_broker_is_away_are_delivered_at_once_when_it_is_back(
    start: Callable[..., Harness],
) -> None:
    """A wake-up that nobody read must not swallow the next one."""
    one = start(*["no server is listening"] * 20)
    one.outbox.put([event(1), event(2)])
    for number in range(3, 40):
        one.outbox.put([event(number)])
        one.retained.update(payloads.state(instant(number), number))
    assert one.publisher.drain(5)
    began_s = time.monotonic()
    for number in range(40, 60):
        one.outbox.put([event(number)])
        assert one.publisher.drain(5)
    # A lost wake-up costs a second; twenty deliveries take milliseconds.
    assert time.monotonic() - began_s < 5.0


def test_what_is_above_a_lowered_limit_is_dropped_without_a_broker(tmp_path: Path) -> None:
    """The publisher's thread drops it, slice after slice, so that the loop does not have to."""
    with closing(Outbox(tmp_path, TOPICS, ManualClock())) as outbox:
        outbox.put([event(number) for number in range(2000)])
    one = Harness(tmp_path, *["no server is listening"] * 10_000, max_rows=10)
    one.publisher.start()
    assert wait_for(lambda: one.outbox.counts().waiting == 10)
    assert one.outbox.counts().dropped == 1990
    one.close()


def test_without_memory_the_thread_ends_and_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The loop sees that and ends the process, which is started again; a traceback would look like a bug."""

    def connect(_report: Callable[[Report], None]) -> Link:
        raise RuntimeError("can't start new thread")

    with closing(Outbox(tmp_path, TOPICS, ManualClock())) as outbox:
        publisher = Publisher(TOPICS, outbox, Retained(TOPICS, payloads.state(instant(0))), connect, timing=QUICK)
        publisher.start()
        assert wait_for(lambda: not publisher.alive)
    assert publisher.ended_by == "because there is not enough memory (can't start new thread)"
    assert "Traceback" not in capsys.readouterr().err


def test_connections_that_end_on_a_message_point_to_it(
    start: Callable[..., Harness], caplog: pytest.LogCaptureFixture
) -> None:
    """Over MQTT 3.1.1 a broker closes the connection on what it does not take: that is no second node."""
    one = start(answer=lambda topic: 0 if topic == TOPICS.status else None)
    one.retained.set_discovery(b"x" * 800)
    for _ in range(6):
        one.broker.made.acquire()
        link = one.broker.links[-1]
        assert wait_for(lambda link=link: TOPICS.discovery in link.topics)  # type: ignore[misc]
        link.report(Lost("the broker closed the connection"))
    logged = [record.message for record in caplog.records if record.levelname == "WARNING"]
    hint = f", repeatedly, before it has acknowledged {TOPICS.discovery}: run facenode check"
    assert logged[-1] == f"broker: the broker closed the connection{hint}; trying again"


def test_a_subscription_with_less_than_qos_1_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Requests may be lost, so the owner must know."""
    one = Harness(tmp_path)
    one.broker.subscription_code = 0
    one.retained.set_discovery(b"{}")  # so that there are several subscriptions
    one.publisher.start()
    assert one.publisher.wait_connected(5)
    one.outbox.put([event(1)])
    assert one.publisher.drain(5)
    assert [each.message for each in caplog.records] == [f"broker: {reason_codes.GRANTED_LESS}"]
    one.close()


def test_a_flood_of_requests_is_left_and_events_go_on(start: Callable[..., Harness]) -> None:
    """The first hundred are passed on; then the node unsubscribes, and says so."""
    one = start()
    assert one.publisher.wait_connected(5)
    (link,) = one.broker.links
    assert wait_for(lambda: TOPICS.requests in link.filters)
    assert one.publisher.requests is RequestsState.ON
    for _ in range(500):
        link.report(Received(TOPICS.request("check"), b"{}", retained=False))
    assert wait_for(lambda: TOPICS.requests not in link.filters)
    one.outbox.put([event(1)])
    assert one.publisher.drain(5)
    assert 100 <= len(one.received) < 150
    assert str(one.publisher.requests) == "paused"


def test_a_refused_request_subscription_is_known(tmp_path: Path) -> None:
    """Health shows it: the log alone is read by nobody."""
    one = Harness(tmp_path)
    one.broker.subscription_code = 0x87
    one.publisher.start()
    assert wait_for(lambda: one.publisher.requests is RequestsState.REFUSED)
    one.close()


def test_a_message_that_is_too_large_costs_one_connection(start: Callable[..., Harness]) -> None:
    """The next one lacks the subscription that brought it, and delivers."""
    one = start()
    assert one.publisher.wait_connected(5)
    one.broker.links[0].report(Lost("too large", topic=TOPICS.request("check")))
    assert wait_for(lambda: len(one.broker.links) > 1)
    one.outbox.put([event(1)])
    assert one.publisher.drain(5)
    assert len(one.broker.links) == 2
    assert one.broker.links[1].filters == []
    assert one.publisher.requests is RequestsState.PAUSED
