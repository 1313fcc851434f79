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
from node.requests.inbox import Commands, Request, Verb

TOPICS = Topics("pi-1")
EVENT = "01936d4e-0000-7000-8000-000000000000"


class Desk:
    """Commands, what they answered, and a clock that a test turns."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.answers: list[tuple[str, dict[str, Any]]] = []
        self.commands = Commands(TOPICS, self._answer, lambda: self.now_s)

    def _answer(self, topic: str, payload: bytes) -> None:
        fields = json.loads(payload)
        Draft202012Validator(schema("response")).validate(fields)
        self.answers.append((topic, fields))

    def ask(self, verb: str, payload: object, *, retained: bool = False) -> None:
        """Send a request, as JSON unless it is bytes."""
        content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.commands.receive(Received(TOPICS.request(verb), content, retained))


@pytest.fixture
def desk() -> Desk:
    """Return a desk."""
    return Desk()


@pytest.mark.parametrize(
    ("verb", "fields", "request_"),
    [
        ("check", {}, Request(Verb.CHECK, "t")),
        ("restart", {"more": 1}, Request(Verb.RESTART, "t")),
        ("privacy", {"state": "on"}, Request(Verb.PRIVACY, "t", on=True)),
        ("recognition", {"state": "off"}, Request(Verb.RECOGNITION, "t", on=False)),
        ("snapshot", {}, Request(Verb.SNAPSHOT, "t")),
        ("snapshot", {"event": EVENT}, Request(Verb.SNAPSHOT, "t", event=EVENT)),
        ("snooze", {"for_s": 60}, Request(Verb.SNOOZE, "t", for_s=60.0)),
        ("snooze", {"for_s": 0.5, "rule": "night"}, Request(Verb.SNOOZE, "t", for_s=0.5, rule="night")),
    ],
)
def test_a_good_request_waits_for_the_main_loop(
    desk: Desk, verb: str, fields: dict[str, Any], request_: Request
) -> None:
    """It is checked on the network's side and done on the main loop's; unknown fields are no mistake."""
    desk.ask(verb, {"transaction": "t"} | fields)
    assert desk.commands.drain() == (request_,)
    assert desk.commands.drain() == ()
    assert desk.answers == []


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
        ("open_door", {}, "there is no such request: there are check, snapshot, privacy"),
    ],
)
def test_a_mistake_is_answered(desk: Desk, verb: str, fields: dict[str, Any], words: str) -> None:
    """Whoever asked learns what is wrong, by the transaction they gave."""
    desk.ask(verb, {"transaction": "t"} | fields)
    assert desk.commands.drain() == ()
    ((topic, answer),) = desk.answers
    assert topic == TOPICS.response(verb)
    assert (answer["transaction"], answer["status"]) == ("t", "error")
    assert words in answer["error"]


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"\xff\xfe", b"[]", b"5", b"{}", b'{"transaction":5}', b'{"transaction":""}', b"[" * 1000]
    + [json.dumps({"transaction": each}).encode() for each in ("x" * 65, "a\nb", "\ud800")]
    + [b'{"transaction":"t","x":"' + b"x" * 1024 + b'"}'],
)
def test_what_names_no_transaction_is_ignored_and_counted(desk: Desk, payload: bytes) -> None:
    """There is nobody to answer; and nothing that comes in can raise."""
    desk.ask("check", payload)
    assert desk.commands.drain() == ()
    assert desk.answers == []
    assert desk.commands.ignored == 1


def test_a_retained_request_is_ignored(desk: Desk) -> None:
    """A retained `restart` would restart the node at each new connection, for ever."""
    desk.ask("restart", {"transaction": "t"}, retained=True)
    assert desk.commands.drain() == ()
    assert desk.commands.ignored == 1


def test_a_repeated_request_is_done_once(desk: Desk) -> None:
    """QoS 1 delivers at least once."""
    for _ in range(3):
        desk.ask("restart", {"transaction": "t"})
    desk.ask("check", {"transaction": "t"})
    assert [request.verb for request in desk.commands.drain()] == [Verb.RESTART, Verb.CHECK]
    assert desk.commands.ignored == 2


def test_a_flood_is_ignored_and_the_node_listens_again(desk: Desk) -> None:
    """A thousand requests in a second do no more than a few; a minute later one is taken again."""
    for number in range(1000):
        desk.ask("check", {"transaction": str(number)})
    assert len(desk.commands.drain()) == 16
    assert len(desk.answers) == 4
    assert desk.commands.ignored == 980
    desk.now_s += 60
    desk.ask("check", {"transaction": "later"})
    assert len(desk.commands.drain()) == 1


def test_only_a_request_to_this_node_counts(desk: Desk) -> None:
    """`facenode check` sends itself a message below a verb, which is no request."""
    for topic in ("facenode/pi-1/request/check/1f", "facenode/pi-2/request/check", "facenode/pi-1/request/Ünknown"):
        desk.commands.receive(Received(topic, b'{"transaction":"t"}', retained=False))
    assert desk.commands.drain() == ()
    assert (desk.answers, desk.commands.ignored) == ([], 0)


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
    desk = Desk()
    desk.ask(verb, payload.encode() if isinstance(payload, str) else payload)
    assert len(desk.commands.drain()) + len(desk.answers) + desk.commands.ignored == 1
