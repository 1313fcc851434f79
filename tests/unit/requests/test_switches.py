"""What requests switch, and what stays switched."""

import json
import resource
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from makers import instant

from node.contract.topics import Topics
from node.domain import Instant
from node.requests.inbox import Request, Verb
from node.requests.switches import FILE, Control

TOPICS = Topics("pi-1")
RULES = ("night", "door")


class Desk:
    """A control and what it answered."""

    def __init__(self, folder: Path, at: Instant | None = None) -> None:
        self.answers: list[tuple[str, dict[str, Any]]] = []
        self.control = Control(folder, self._answer, lambda: {"camera": "ok"}, at or instant(0), RULES)

    def _answer(self, request: Request, payload: bytes) -> None:
        self.answers.append((TOPICS.response(request.verb), json.loads(payload)))

    def ask(self, verb: Verb, mono_s: float = 0, **more: Any) -> None:  # noqa: ANN401 - fields of a request
        """Apply one request."""
        self.control.apply((Request(verb, "t", **more),), instant(mono_s))


def test_a_new_node_watches_and_recognises(tmp_path: Path) -> None:
    """Nothing is switched until somebody does."""
    control = Desk(tmp_path).control
    assert (control.watching, control.recognising, control.restarting) == (True, True, False)


def test_privacy_stops_watching_and_survives_a_restart(tmp_path: Path) -> None:
    """Whoever turns the eye away must be able to rely on it after a power cut."""
    desk = Desk(tmp_path)
    desk.ask(Verb.PRIVACY, on=True)
    assert not desk.control.watching
    assert not desk.control.recognising
    assert not Desk(tmp_path).control.watching
    desk.ask(Verb.PRIVACY, on=False)
    assert Desk(tmp_path).control.watching


def test_recognition_stops_recognising_alone(tmp_path: Path) -> None:
    """Faces are still counted."""
    desk = Desk(tmp_path)
    desk.ask(Verb.RECOGNITION, on=False)
    assert (desk.control.watching, desk.control.recognising) == (True, False)
    assert not Desk(tmp_path).control.recognising


def test_a_snooze_silences_its_rule_for_its_time(tmp_path: Path) -> None:
    """Durations are of the monotonic clock; the end belongs to the alerts."""
    control = Desk(tmp_path)
    control.ask(Verb.SNOOZE, for_s=60.0, rule="night")
    silent = control.control.silent
    assert [silent("night", instant(59.9)), silent("night", instant(60)), silent("crowd", instant(1))] == [
        True,
        False,
        False,
    ]


def test_a_snooze_of_all_rules_replaces_others_and_zero_ends_it(tmp_path: Path) -> None:
    """`for_s` 0 without a rule makes everything loud again."""
    desk = Desk(tmp_path)
    desk.ask(Verb.SNOOZE, for_s=60.0, rule="night")
    desk.ask(Verb.SNOOZE, for_s=10.0)
    assert desk.control.silent("crowd", instant(9))
    assert not desk.control.silent("night", instant(11))
    desk.ask(Verb.SNOOZE, for_s=0.0)
    assert not desk.control.silent("crowd", instant(9))


@pytest.mark.parametrize(("later", "left"), [(20, 40), (-3600, 60), (70, 0)])
def test_a_snooze_survives_a_restart_and_never_grows(tmp_path: Path, later: int, left: int) -> None:
    """The wall clock is all there is over a reboot; one that went back must not silence alerts for longer."""
    Desk(tmp_path).ask(Verb.SNOOZE, for_s=60.0)
    start = Instant(instant(0).wall + timedelta(seconds=later), 5.0, synced=True)
    control = Desk(tmp_path, start).control
    assert control.silent("night", instant(5 + left - 0.1)) is (left > 0)
    assert not control.silent("night", instant(5 + left + 0.1))


def test_a_restart_is_asked_for_and_answered(tmp_path: Path) -> None:
    """The loop ends the process; the answer goes out before."""
    desk = Desk(tmp_path)
    desk.ask(Verb.RESTART)
    assert desk.control.restarting
    assert desk.answers == [(TOPICS.response("restart"), {"transaction": "t", "status": "ok"})]


def test_a_check_is_answered_with_what_was_examined(tmp_path: Path) -> None:
    """An operator sees the node's own view of itself."""
    desk = Desk(tmp_path)
    desk.ask(Verb.CHECK)
    assert desk.answers[0][1]["data"] == {"camera": "ok"}


@pytest.mark.parametrize(
    "content",
    [
        "", "{", "[]", "{}", '{"privacy":1,"recognition":true,"snoozed":{}}', '{"snoozed":{"x":5}}', "[" * 100_000,
        f'{{"snoozed":{{"x":{{"until":"9999-12-31T00:00:00Z","for_s":1{"0" * 400}}}}}}}',
        '{"snoozed":{"x":{"until":"0001-01-01T00:00:00+23:59","for_s":1}}}',
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_turns_privacy_on(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    """When it is not known what the owner wanted, nobody is watched; and that is said."""
    (tmp_path / FILE).write_text(content)
    desk = Desk(tmp_path)
    assert not desk.control.watching
    assert "privacy is on" in caplog.text
    desk.ask(Verb.PRIVACY, on=False)
    assert Desk(tmp_path).control.watching


def test_a_full_disk_leaves_the_old_file_whole_and_says_so(tmp_path: Path) -> None:
    """The switch works at once; that it will not last is in the answer."""
    desk = Desk(tmp_path)
    desk.ask(Verb.RECOGNITION, on=False)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        desk.ask(Verb.PRIVACY, on=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not desk.control.watching
    assert desk.answers[-1][1]["status"] == "error"
    assert Desk(tmp_path).control.watching
    desk.ask(Verb.SNOOZE, for_s=1.0)
    assert desk.answers[-1][1]["status"] == "ok"
    assert not Desk(tmp_path).control.watching


def test_a_snooze_of_a_rule_that_there_is_not_is_refused(tmp_path: Path) -> None:
    """A mistyped id must not leave somebody in the belief that it is quiet."""
    desk = Desk(tmp_path)
    desk.ask(Verb.SNOOZE, for_s=60.0, rule="nihgt")
    (_, answer) = desk.answers[-1]
    assert answer["status"] == "error"
    assert "door, night" in answer["error"]
