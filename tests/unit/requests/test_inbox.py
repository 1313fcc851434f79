"""Which requests are taken, answered with an error, or ignored."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from node.contract import schema
from node.contract.topics import Topics
from node.mqtt.link import Received
from node.requests.inbox import Inbox
from node.requests.request import (
    Check,
    EnrollPerson,
    RejectFace,
    RenamePerson,
    Request,
    Restart,
    SetPrivacy,
    SetRecognition,
    Snooze,
    TakeSnapshot,
)
from node.requests.verb import Verb

TOPICS = Topics("pi-1")
EVENT = "01936d4e-0000-7000-8000-000000000000"


class Fixture:
    """An inbox, its answers, and a clock that a test turns."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.answers: list[tuple[str, dict[str, Any]]] = []
        self.inbox = Inbox(TOPICS, self._answer, lambda: self.now_s)

    def _answer(self, topic: str, payload: bytes) -> None:
        fields = json.loads(payload)
        Draft202012Validator(schema("response")).validate(fields)
        self.answers.append((topic, fields))

    def ask(self, verb: str, payload: object, *, retained: bool = False, expiry_s: int | None = None) -> None:
        """Send a request, as JSON unless it is bytes."""
        content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.inbox.receive(Received(TOPICS.request(verb), content, retained, expiry_s))


@pytest.fixture
def fixture() -> Fixture:
    """Return an inbox."""
    return Fixture()


@pytest.mark.parametrize(
    ("verb", "fields", "request_"),
    [
        ("check", {}, Check()),
        ("restart", {"more": 1}, Restart()),
        ("privacy", {"state": "on"}, SetPrivacy(on=True)),
        ("recognition", {"state": "off"}, SetRecognition(on=False)),
        ("snapshot", {}, TakeSnapshot()),
        ("snapshot", {"event": EVENT}, TakeSnapshot(EVENT)),
        ("snooze", {"for_s": 60}, Snooze(60.0)),
        ("snooze", {"for_s": 0.5, "rule": "night"}, Snooze(0.5, "night")),
        ("people_rename", {"id": "ada", "name": "Ada L."}, RenamePerson("ada", "Ada L.")),
        ("people_reject", {"id": "ada", "event": EVENT}, RejectFace("ada", EVENT)),
        ("people_enroll", {"id": "ada", "event": EVENT, "force": True}, EnrollPerson("ada", event=EVENT)),
    ],
)
def test_a_good_request_waits_for_the_main_loop(
    fixture: Fixture, verb: str, fields: dict[str, Any], request_: Request
) -> None:
    """It is checked on the network's side and done on the main loop's; unknown fields are no mistake."""
    fixture.ask(verb, {"transaction": "t"} | fields)
    ((request, answer),) = fixture.inbox.drain()
    assert (request, answer.transaction) == (request_, "t")
    assert fixture.inbox.drain() == ()
    assert fixture.answers == []


@pytest.mark.parametrize(
    ("verb", "fields", "words"),
    [
        ("privacy", {}, "state"),
        ("privacy", {"state": True}, "state"),
        ("snooze", {"for_s": -1}, "for_s"),
        ("snooze", {"for_s": True}, "for_s"),
        ("snooze", {"for_s": 10**500}, "for_s"),
        ("snooze", {"for_s": float("nan")}, "for_s"),
        ("snooze", {"for_s": 1, "rule": "No Rule"}, "rule"),
        ("people_rename", {"id": "ada"}, "name: must be the new display name"),
        ("people_reject", {"id": "ada"}, "event: must be the id of the event that named the wrong person"),
        ("people_merge", {"id": "ada", "into": "bob"}, "no such request: choose one of"),
        ("people_undo", {"action": "123456"}, "no such request: choose one of"),
        ("open_door", {}, "no such request: choose one of check, snapshot, privacy"),
    ],
)
def test_a_mistake_is_answered(fixture: Fixture, verb: str, fields: dict[str, Any], words: str) -> None:
    """Whoever asked learns what is wrong, by the transaction they gave."""
    fixture.ask(verb, {"transaction": "t"} | fields)
    assert fixture.inbox.drain() == ()
    ((topic, answer),) = fixture.answers
    assert topic == TOPICS.response(verb)
    assert (answer["transaction"], answer["status"]) == ("t", "error")
    assert words in answer["error"]


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"\xff\xfe", b"[]", b"5", b"{}", b'{"transaction":5}', b'{"transaction":""}', b"[" * 1000]
    + [json.dumps({"transaction": each}).encode() for each in ("x" * 65, "a\nb", "\ud800")]
    + [b'{"transaction":"t","x":"' + b"x" * 1024 + b'"}'],
)
def test_what_names_no_transaction_is_ignored_and_counted(fixture: Fixture, payload: bytes) -> None:
    """There is nobody to answer; and nothing that comes in can raise."""
    fixture.ask("check", payload)
    assert fixture.inbox.drain() == ()
    assert fixture.answers == []
    assert fixture.inbox.ignored == 1


def test_a_retained_request_is_ignored(fixture: Fixture) -> None:
    """A retained `restart` would restart the node at each new connection, for ever."""
    fixture.ask("restart", {"transaction": "t"}, retained=True)
    assert fixture.inbox.drain() == ()
    assert fixture.inbox.ignored == 1


def test_a_repeated_request_is_done_once(fixture: Fixture) -> None:
    """QoS 1 delivers at least once."""
    for _ in range(3):
        fixture.ask("restart", {"transaction": "t"})
    fixture.ask("check", {"transaction": "t"})
    assert [request.verb for request, _ in fixture.inbox.drain()] == [Verb.RESTART, Verb.CHECK]
    assert fixture.inbox.ignored == 2


def test_a_flood_is_ignored_and_the_node_listens_again(fixture: Fixture) -> None:
    """A thousand requests in a second do no more than a few; a minute later one is taken again."""
    for number in range(1000):
        fixture.ask("check", {"transaction": str(number)})
    assert len(fixture.inbox.drain()) == 16
    assert len(fixture.answers) == 4
    assert fixture.inbox.ignored == 980
    fixture.now_s += 60
    fixture.ask("check", {"transaction": "later"})
    assert len(fixture.inbox.drain()) == 1


def test_a_request_that_found_no_room_may_be_sent_again(fixture: Fixture) -> None:
    """The answer asks for it: a transaction counts as repeated only once the queue has taken it."""
    for number in range(16):
        fixture.ask("check", {"transaction": str(number)})
    fixture.ask("restart", {"transaction": "t"})
    assert fixture.answers[-1][1]["error"] == "too many requests wait: send it again later"
    fixture.inbox.drain()
    fixture.ask("restart", {"transaction": "t"})
    assert [(request, answer.transaction) for request, answer in fixture.inbox.drain()] == [(Restart(), "t")]
    assert fixture.inbox.ignored == 0


def test_the_log_says_both_numbers_of_the_limit(fixture: Fixture, caplog: pytest.LogCaptureFixture) -> None:
    """Twenty at once are taken after a quiet time, then two a second; the first that is too many is logged."""
    for number in range(21):
        fixture.ask("check", {"transaction": str(number)})
    assert caplog.messages == ["requests: ignored a request: more than 2 a second after a burst of 20"]


def test_only_a_request_to_this_node_counts(fixture: Fixture) -> None:
    """`facenode check` sends itself a message below a verb, which is no request."""
    for topic in ("facenode/pi-1/request/check/1f", "facenode/pi-2/request/check", "facenode/pi-1/request/Ünknown"):
        fixture.inbox.receive(Received(topic, b'{"transaction":"t"}', retained=False))
    assert fixture.inbox.drain() == ()
    assert (fixture.answers, fixture.inbox.ignored) == ([], 0)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
fields_of_all_kinds = st.fixed_dictionaries(
    {"transaction": st.text(max_size=70) | json_values},
    optional={"state": json_values, "for_s": json_values, "rule": json_values},
)


@given(verb=st.sampled_from([*Verb, "x"]), payload=st.binary(max_size=100) | fields_of_all_kinds.map(json.dumps))
def test_nothing_that_comes_in_can_raise(verb: str, payload: bytes | str) -> None:
    """Whatever bytes a stranger sends, they are a request, an error, or nothing."""
    fixture = Fixture()
    fixture.ask(verb, payload.encode() if isinstance(payload, str) else payload)
    assert len(fixture.inbox.drain()) + len(fixture.answers) + fixture.inbox.ignored == 1


@pytest.mark.parametrize(("expiry_s", "late_s", "done"), [(5, 4.9, True), (5, 5.0, False), (0, 0.0, False)])
def test_a_request_that_expires_before_the_loop_takes_it_is_not_carried_out(
    fixture: Fixture, expiry_s: int, late_s: float, *, done: bool
) -> None:
    """Whoever asked counts on it no more: it gets an error, and what came after it is carried out."""
    fixture.ask("restart", {"transaction": "a"}, expiry_s=expiry_s)
    fixture.ask("check", {"transaction": "b"})
    fixture.now_s += late_s
    requests = [request for request, _ in fixture.inbox.drain()]
    assert requests == ([Restart(), Check()] if done else [Check()])
    assert [(fields["transaction"], fields["status"]) for _, fields in fixture.answers] == [("a", "error")] * (not done)


def test_a_request_without_an_expiry_is_carried_out_whenever_the_loop_takes_it(fixture: Fixture) -> None:
    """As every request of MQTT 3.1.1."""
    fixture.ask("restart", {"transaction": "a"})
    fixture.now_s += 1e9
    assert [request for request, _ in fixture.inbox.drain()] == [Restart()]
