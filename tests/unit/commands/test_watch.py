"""What `facenode watch` shows of what it gets."""

import contextlib
import io
import json
import queue
from collections.abc import Callable

import pytest
from brokers import HandLink

from node.commands.output import Fields, Show, json_line, printer, readable
from node.commands.watch import Watcher, topics, watch
from node.errors import BrokerError
from node.mqtt.backoff import Timing
from node.mqtt.link import Link, Lost, Received, Report, Subscribed

ADA = {
    "v": 1,
    "id": "0193",
    "boot": 41,
    "seq": 7,
    "at": "2026-11-24T18:00:58.621Z",
    "event_type": "recognized",
    "track": 12,
    "person": {"id": "ada", "score": 0.97},
    "age": {"group": "middle", "score": 0.88},
}


def test_a_line_says_when_where_what_and_who() -> None:
    """A person reads at a glance what happened."""
    line, style = readable("facenode/pi-1/event/recognized", ADA)
    assert line.split() == ["18:00:58.621", "pi-1", "recognized", "ada", "0.97", "age", "middle", "0.88", "track", "12"]
    assert style == "green"


def test_a_late_line_says_so() -> None:
    """What is late must not be taken for the present."""
    assert " late recognized " in readable("facenode/pi-1/late/event/recognized", ADA)[0]


def test_an_alert_and_a_status_are_readable_too() -> None:
    """An alert's person has no score, and a status is no JSON."""
    alert = {"at": ADA["at"], "event_type": "night", "state": "raised", "person": "ada", "count": 2}
    line, style = readable("facenode/pi-1/alert/night", alert)
    assert line.split()[2:] == ["night", "ada", "state", "raised", "count", "2"]
    assert style == "bold magenta"
    assert readable("facenode/pi-1/status", "online")[0].split() == ["pi-1", "status", "online"]


def test_a_repeated_id_is_dropped() -> None:
    """QoS 1 delivers at least once: a message that comes twice is shown once."""
    watcher = Watcher()
    assert [watcher.is_new(ADA), watcher.is_new(ADA), watcher.is_new({"id": "other"})] == [True, False, True]


def test_a_gap_is_told_and_its_filling_too() -> None:
    """Live events overtake late ones, so a gap is only told as such until it is filled."""
    watcher = Watcher()
    told = [watcher.missing("pi-1", {"seq": seq}) for seq in (5, 6, 9, 10, 7, 8)]
    assert told == [
        None,
        None,
        "pi-1: 2 events before number 9 are missing so far",
        None,
        None,
        "pi-1: no event is missing any more",
    ]


def test_nodes_are_counted_apart() -> None:
    """Each node counts its own events."""
    watcher = Watcher()
    assert [watcher.missing(node, {"seq": seq}) for node, seq in (("pi-1", 5), ("pi-2", 50), ("pi-1", 6))] == [None] * 3


def test_one_type_is_asked_for_live_and_late() -> None:
    """`--type unknown` leaves everything else at the broker."""
    assert topics("unknown") == ("facenode/+/event/unknown", "facenode/+/late/event/unknown")


def test_it_connects_again_until_it_is_stopped() -> None:
    """A failed attempt and a lost connection are said and tried again; ready is only who was granted everything."""
    inbox: queue.SimpleQueue[Report | None] = queue.SimpleQueue()
    script: list[Callable[[], Link]] = []
    shown: list[tuple[str, str | Fields]] = []
    said: list[str] = []
    ready: list[bool] = []

    def fail() -> Link:
        raise BrokerError("nothing listens")

    def lose() -> Link:
        inbox.put(Received("facenode/pi-1/event/unknown", b'{"id":"1","seq":1}', retained=False))
        inbox.put(Received("facenode/pi-1/event/unknown", b'{"id":"1","seq":1}', retained=False))
        inbox.put(Subscribed(1))
        inbox.put(Subscribed(0x87))
        inbox.put(Lost("gone"))
        return HandLink()

    def recover() -> Link:
        inbox.put(Subscribed(1))
        inbox.put(Subscribed(1))
        inbox.put(Lost("gone again"))
        return HandLink()

    def stop() -> Link:
        inbox.put(Received("facenode/pi-1/status", b"online", retained=True))
        inbox.put(None)
        return HandLink()

    script += [fail, fail, lose, recover, stop]

    def dial() -> Link:
        return script.pop(0)()

    watch(
        dial,
        inbox,
        ("a", "b"),
        Watcher(),
        show=lambda topic, payload: shown.append((topic, payload)),
        say=said.append,
        ready=ready.append,
        timing=Timing(first_s=0.01, max_s=0.01),
    )
    assert shown == [("facenode/pi-1/event/unknown", {"id": "1", "seq": 1}), ("facenode/pi-1/status", "online")]
    assert said == [
        "nothing listens; trying again",
        "a subscription is refused: the broker does not allow it: check its access list",
        "connected, MQTT 5",
        "gone",
        "connected, MQTT 5",
        "gone again",
    ]
    assert ready == [False, False, True, False, False]


def test_what_comes_while_it_stops_is_shown() -> None:
    """It is acknowledged, so the broker of a durable watcher will not send it again."""
    inbox: queue.SimpleQueue[Report | None] = queue.SimpleQueue()
    shown: list[str] = []

    def dial() -> Link:
        inbox.put(None)
        inbox.put(Received("facenode/pi-1/event/unknown", b'{"id":"1","seq":1}', retained=False))
        return HandLink()

    watch(
        dial,
        inbox,
        ("a",),
        Watcher(),
        show=lambda topic, _payload: shown.append(topic),
        say=lambda _line: None,
        ready=lambda _there: None,
    )
    assert shown == ["facenode/pi-1/event/unknown"]


@pytest.mark.parametrize("topic", ["facenode/pi-1/late/event/unknown", "facenode/pi-1/event/unknown", "facenode/pi-1"])
def test_any_json_is_readable(topic: str) -> None:
    """A foreign message must not end the watcher."""
    assert isinstance(readable(topic, {"person": 5, "age": [], "seq": None})[0], str)
    assert isinstance(readable(topic, {"person": {"id": None}})[0], str)


def test_with_one_type_no_gaps_are_told() -> None:
    """`seq` counts all types together: a watcher of one sees only some of the numbers."""
    assert [Watcher(gaps=False).missing("pi-1", {"seq": seq}) for seq in (5, 9)] == [None, None]


def test_a_jump_is_told_and_counted_from() -> None:
    """A set of a million million numbers would end the watcher; an outbox may also be begun anew."""
    watcher = Watcher()
    told = [watcher.missing("pi-1", {"seq": seq}) for seq in (5, 10**12, 6, 8)]
    assert told == [
        None,
        "pi-1: the number jumps from 5 to 1000000000000: what is missing is counted from there",
        "pi-1: the number jumps from 1000000000000 to 6: what is missing is counted from there",
        "pi-1: 1 events before number 8 are missing so far",
    ]


@pytest.mark.parametrize("show", [json_line, printer()])
@pytest.mark.parametrize(
    "payload",
    [b'{"event_type":"\\ud800"}', b"[" * 3000, b"[" * 990 + b"]" * 990, b'{"seq":1000000000000}', b"\xff"],
)
def test_no_message_ends_the_watcher(show: Show, payload: bytes) -> None:
    """Whoever may publish could else stop everybody who watches."""
    inbox: queue.SimpleQueue[Report | None] = queue.SimpleQueue()
    shown: list[str] = []
    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")

    def dial() -> Link:
        inbox.put(Received("facenode/pi-1/event/unknown", b'{"seq":1}', retained=False))
        inbox.put(Received("facenode/pi-1/event/unknown", payload, retained=False))
        inbox.put(Received("facenode/pi-1/status", b"online", retained=False))
        inbox.put(None)
        return HandLink()

    def both(topic: str, fields: str | Fields) -> None:
        show(topic, fields)
        shown.append(topic)

    with contextlib.redirect_stdout(output):
        watch(
            dial,
            inbox,
            ("a",),
            Watcher(),
            show=both,
            say=lambda _line: None,
            ready=lambda _there: None,
        )
    assert shown == ["facenode/pi-1/event/unknown", "facenode/pi-1/event/unknown", "facenode/pi-1/status"]


def test_a_line_of_json_is_json_on_any_terminal() -> None:
    """Half a surrogate pair, and an accent where standard output is ASCII, are escaped as JSON escapes them."""
    for encoding, name in (("utf-8", "\ud800"), ("ascii", "Adèle 😀")):
        output = io.BytesIO()
        with contextlib.redirect_stdout(io.TextIOWrapper(output, encoding=encoding, write_through=True)):
            json_line("facenode/pi-1/event/unknown", {"name": name})
            written = output.getvalue()
        assert json.loads(written)["payload"] == {"name": name}


@pytest.mark.parametrize("show", [json_line, printer()])
def test_what_a_terminal_would_obey_is_escaped(show: Show) -> None:
    """Whoever may publish could else clear the screen of everybody who watches, or write lines of their own."""
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        show("facenode/\x1b[2J/status", "on\x9b31mline\nada recognized\x7f\u2028")
    assert shown.getvalue().count("\n") == 1
    assert shown.getvalue().rstrip("\n").isprintable()
