"""What `facenode watch` prints of the messages that it receives."""

import contextlib
import io
import itertools
import json
import pickle
import queue
import sys
import time
from collections.abc import Callable

import pytest
from fake_link import FakeLink

from node.cli import main
from node.commands.history import History
from node.commands.output import Fields, PrintMessage, format_message, message_printer, print_json
from node.commands.watch import topics, watch
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


def test_a_line_shows_when_where_what_and_who() -> None:
    """A person reads at a glance what happened."""
    line, style = format_message("facenode/pi-1/event/recognized", ADA)
    assert line.split() == ["18:00:58.621", "pi-1", "recognized", "ada", "0.97", "age", "middle", "0.88", "track", "12"]
    assert style == "green"


def test_a_late_line_is_marked_late() -> None:
    """Nobody may take a late event for the present."""
    assert " late recognized " in format_message("facenode/pi-1/late/event/recognized", ADA)[0]


def test_an_alert_and_a_status_are_printed_too() -> None:
    """An alert's person has no score, and a status is no JSON."""
    alert = {"at": ADA["at"], "event_type": "night", "state": "raised", "person": "ada", "count": 2}
    line, style = format_message("facenode/pi-1/alert/night", alert)
    assert line.split()[2:] == ["night", "ada", "state", "raised", "count", "2"]
    assert style == "bold magenta"
    assert format_message("facenode/pi-1/status", "online")[0].split() == ["pi-1", "status", "online"]


def test_values_that_a_message_lacks_are_left_out() -> None:
    """A person reads what is known; `None` is a word of Python."""
    payload = {
        "at": None,
        "event_type": None,
        "person": {"id": "ada"},
        "was": None,
        "age": {"group": None},
        "count": None,
    }
    assert format_message("facenode/pi-1/event/recognized", payload)[0].split() == ["pi-1", "ada", "age"]
    assert "None" not in format_message("facenode/pi-1/alert/night", {"person": None, "state": "raised"})[0]


@pytest.mark.parametrize(
    ("waited_s", "words"),
    [
        (None, ""), (0, ""), (1, ""), (2, "2 s"), (59, "59 s"), (60, "1 min"), (121, "2 min 1 s"), (10_800, "3 h"),
        (10_859, "3 h"), (86_399, "23 h 59 min"), (86_400, "1 d"), (100_000, "1 d 3 h"), (2_592_000, "30 d"),
    ],
)  # fmt: skip
def test_a_line_says_how_long_a_message_waited_at_the_broker(waited_s: int | None, words: str) -> None:
    """In its two largest units. A broker counts whole seconds, so one second may be none."""
    line, _ = format_message("facenode/pi-1/event/recognized", ADA, waited_s)
    assert line.partition(" waited ")[2].removesuffix(" at the broker") == words
    assert (" waited " in line) == bool(words)


def test_a_repeated_id_is_dropped() -> None:
    """QoS 1 delivers at least once: a message that comes twice is printed once."""
    history = History()
    assert [history.is_new(ADA), history.is_new(ADA), history.is_new({"id": "other"})] == [True, False, True]


def test_a_gap_is_noted_and_so_is_its_end() -> None:
    """Live events overtake late ones, so a gap may still be filled."""
    history = History()
    notes = [history.gap_note("pi-1", {"seq": seq}) for seq in (5, 6, 9, 10, 7, 8)]
    assert notes == [
        None,
        None,
        "pi-1: 2 events missing before number 9, so far",
        None,
        None,
        "pi-1: no event is missing any longer",
    ]


def test_each_node_is_counted_on_its_own() -> None:
    """Each node counts its own events."""
    history = History()
    assert [history.gap_note(node, {"seq": seq}) for node, seq in (("pi-1", 5), ("pi-2", 50), ("pi-1", 6))] == [
        None
    ] * 3


def test_one_type_is_subscribed_to_live_and_late() -> None:
    """`--type unknown` leaves everything else at the broker."""
    assert topics("unknown") == ("facenode/+/event/unknown", "facenode/+/late/event/unknown")


def test_watch_reconnects_until_it_is_stopped() -> None:
    """Failed attempts and lost connections are noted once; ready means that every subscription is granted."""
    inbox: queue.SimpleQueue[Report | None] = queue.SimpleQueue()
    script: list[Callable[[], Link]] = []
    shown: list[tuple[str, str | Fields]] = []
    notes: list[str] = []
    ready: list[bool] = []

    def fail() -> Link:
        raise BrokerError("nothing listens")

    def lose() -> Link:
        inbox.put(Received("facenode/pi-1/event/unknown", b'{"id":"1","seq":1}', retained=False))
        inbox.put(Received("facenode/pi-1/event/unknown", b'{"id":"1","seq":1}', retained=False))
        inbox.put(Subscribed(1, 1))
        inbox.put(Subscribed(0x87, 2))
        inbox.put(Lost("gone"))
        return FakeLink()

    def recover() -> Link:
        inbox.put(Subscribed(1, 1))
        inbox.put(Subscribed(1, 2))
        inbox.put(Lost("gone again"))
        return FakeLink()

    def stop() -> Link:
        inbox.put(Received("facenode/pi-1/status", b"online", retained=True))
        inbox.put(None)
        return FakeLink()

    script += [fail, fail, lose, recover, stop]

    def open_link() -> Link:
        return script.pop(0)()

    watch(
        open_link,
        inbox,
        ("a", "b"),
        History(),
        print_message=lambda topic, payload, _waited_s: shown.append((topic, payload)),
        print_note=notes.append,
        set_ready=ready.append,
        timing=Timing(first_s=0.01, max_s=0.01),
    )
    assert shown == [("facenode/pi-1/event/unknown", {"id": "1", "seq": 1}), ("facenode/pi-1/status", "online")]
    assert notes == [
        "nothing listens; trying again",
        "the broker refused a subscription: the broker does not allow it: check its access list",
        "connected, MQTT 5",
        "gone",
        "connected, MQTT 5",
        "gone again",
    ]
    assert ready == [False, False, True, False, False]


@pytest.mark.parametrize(("lost", "connections"), [(Lost("taken", 0x8E), 1), (Lost("closed", 0x80), 3)])
def test_watch_does_not_fight_for_its_session(lost: Lost, connections: int) -> None:
    """It ends with what to do, at once if the broker says that it was taken over, else after three tries."""
    inbox: queue.SimpleQueue[Report | None] = queue.SimpleQueue()
    opened: list[Link] = []

    def open_link() -> Link:
        inbox.put(lost)
        opened.append(FakeLink())
        return opened[-1]

    with pytest.raises(BrokerError, match="give each program an account of its own"):
        watch(
            open_link,
            inbox,
            (),
            History(),
            print_message=lambda _topic, _payload, _waited_s: None,
            print_note=lambda _note: None,
            set_ready=lambda _ready: None,
            mono_s=lambda: 0.0,
        )
    assert len(opened) == connections


def test_messages_that_come_while_it_stops_are_printed() -> None:
    """They are acknowledged, so the broker does not send them again to a durable watch."""
    inbox: queue.SimpleQueue[Report | None] = queue.SimpleQueue()
    shown: list[str] = []

    def open_link() -> Link:
        inbox.put(None)
        inbox.put(Received("facenode/pi-1/event/unknown", b'{"id":"1","seq":1}', retained=False))
        return FakeLink()

    watch(
        open_link,
        inbox,
        ("a",),
        History(),
        print_message=lambda topic, _payload, _waited_s: shown.append(topic),
        print_note=lambda _line: None,
        set_ready=lambda _there: None,
    )
    assert shown == ["facenode/pi-1/event/unknown"]


@pytest.mark.parametrize("topic", ["facenode/pi-1/late/event/unknown", "facenode/pi-1/event/unknown", "facenode/pi-1"])
def test_any_json_can_be_printed(topic: str) -> None:
    """A message from anything else than a node must not end the command."""
    assert isinstance(format_message(topic, {"person": 5, "age": [], "seq": None})[0], str)
    assert isinstance(format_message(topic, {"person": {"id": None}})[0], str)


def test_gaps_are_not_noted_for_one_type() -> None:
    """`seq` counts all types together, so one type shows only some of the numbers."""
    assert [History(gaps=False).gap_note("pi-1", {"seq": seq}) for seq in (5, 9)] == [None, None]


def test_a_jump_of_the_number_is_noted_and_the_count_begins_there() -> None:
    """A set of a million million numbers would exhaust the memory; an outbox may also be created anew."""
    history = History()
    notes = [history.gap_note("pi-1", {"seq": seq}) for seq in (5, 10**12, 6, 8)]
    assert notes == [
        None,
        "pi-1: the event number jumps from 5 to 1000000000000: counting missing events from there",
        "pi-1: the event number jumps from 1000000000000 to 6: counting missing events from there",
        "pi-1: 1 event missing before number 8, so far",
    ]


@pytest.mark.parametrize("print_message", [print_json, message_printer()])
@pytest.mark.parametrize(
    "payload",
    [b'{"event_type":"\\ud800"}', b"[" * 3000, b"[" * 990 + b"]" * 990, b'{"seq":1000000000000}', b"\xff"],
)
def test_no_message_ends_the_command(print_message: PrintMessage, payload: bytes) -> None:
    """Otherwise whoever may publish could stop everybody's `watch`."""
    inbox: queue.SimpleQueue[Report | None] = queue.SimpleQueue()
    shown: list[str] = []
    output = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")

    def open_link() -> Link:
        inbox.put(Received("facenode/pi-1/event/unknown", b'{"seq":1}', retained=False))
        inbox.put(Received("facenode/pi-1/event/unknown", payload, retained=False))
        inbox.put(Received("facenode/pi-1/status", b"online", retained=False))
        inbox.put(None)
        return FakeLink()

    def print_and_keep(topic: str, fields: str | Fields, waited_s: int | None) -> None:
        print_message(topic, fields, waited_s)
        shown.append(topic)

    with contextlib.redirect_stdout(output):
        watch(
            open_link,
            inbox,
            ("a",),
            History(),
            print_message=print_and_keep,
            print_note=lambda _line: None,
            set_ready=lambda _there: None,
        )
    assert shown == ["facenode/pi-1/event/unknown", "facenode/pi-1/event/unknown", "facenode/pi-1/status"]


def test_a_line_of_json_is_json_on_any_terminal() -> None:
    """Half a surrogate pair, and an accent where standard output is ASCII, are escaped as JSON escapes them."""
    for encoding, name in (("utf-8", "\ud800"), ("ascii", "Adèle 😀")):
        output = io.BytesIO()
        with contextlib.redirect_stdout(io.TextIOWrapper(output, encoding=encoding, write_through=True)):
            print_json("facenode/pi-1/event/unknown", {"name": name})
            written = output.getvalue()
        assert json.loads(written)["payload"] == {"name": name}


@pytest.mark.parametrize("name", ["", "caf\udce9", "\x1b[2J", "x" * 300])
def test_a_durable_id_that_no_broker_takes_is_a_usage_error(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """MQTT names a client in UTF-8; an empty id would not be durable at all."""
    with pytest.raises(SystemExit) as ended:
        main(["watch", "--durable", name])
    assert ended.value.code == 2
    assert "--durable" in capsys.readouterr().err


@pytest.mark.parametrize("print_message", [print_json, message_printer()])
def test_control_characters_are_escaped(print_message: PrintMessage) -> None:
    """Otherwise whoever may publish could clear the screen of everybody who watches, or forge lines."""
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        print_message("facenode/\x1b[2J/status", "on\x9b31mline\nada recognized\x7f\u2028", None)
    assert shown.getvalue().count("\n") == 1
    assert shown.getvalue().rstrip("\n").isprintable()


def test_what_others_invent_is_remembered_only_up_to_a_bound() -> None:
    """Whoever may publish chooses nodes, ids and numbers; none of them may fill the memory."""
    history = History()
    for number in range(300):  # each node claims to have lost 90,000 events
        history.gap_note(f"node-{number}", {"seq": 1})
        history.gap_note(f"node-{number}", {"seq": 90_000})
    history.gap_note("x" * 60_000, {"seq": 1})
    for number in range(20_000):
        history.gap_note(f"other-{number}", {"seq": 1})
        assert history.is_new({"id": f"{number}" + "x" * 1000})
    assert sys.getsizeof(pickle.dumps(history)) < 2_000_000
    assert history.is_new({"id": "0193"})
    assert not history.is_new({"id": "0193"})


def test_a_gap_is_still_counted_after_others_were_forgotten() -> None:
    """The bound is of all nodes together, and what one node has found again makes room."""
    history = History()
    assert history.gap_note("a", {"seq": 1}) is None
    assert history.gap_note("a", {"seq": 90_000}) == "a: 89998 events missing before number 90000, so far"
    assert history.gap_note("b", {"seq": 1}) is None
    assert "jumps from 1 to 20000" in str(history.gap_note("b", {"seq": 20_000}))
    for seq in range(2, 90_000):
        note = history.gap_note("a", {"seq": seq})
    assert note == "a: no event is missing any longer"
    assert history.gap_note("b", {"seq": 30_000}) == "b: 9999 events missing before number 30000, so far"


def test_connections_that_end_at_once_are_made_again_with_pauses() -> None:
    """A retained message that is too large ends each connection; a loop without a pause would never rest."""
    inbox: queue.SimpleQueue[Report | None] = queue.SimpleQueue()
    opened: list[float] = []

    def open_link() -> Link:
        opened.append(time.monotonic())
        inbox.put(Lost("too large") if len(opened) < 5 else None)
        return FakeLink()

    watch(
        open_link,
        inbox,
        ("a",),
        History(),
        print_message=lambda _topic, _payload, _waited_s: None,
        print_note=lambda _line: None,
        set_ready=lambda _there: None,
        timing=Timing(first_s=0.1, max_s=0.2),
    )
    pauses = [after - before for before, after in itertools.pairwise(opened)]
    assert pauses[0] < 0.1
    assert min(pauses[1:]) >= 0.1
