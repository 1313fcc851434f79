"""What requests switch, and what stays switched."""

import json
import os
import resource
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from makers import instant

from node.domain import Instant
from node.requests.answer import Answer
from node.requests.request import Restart, SetPrivacy, SetRecognition, Snooze
from node.requests.switches import FILE, SwitchRequests

RULES = ("night", "door")


class Fixture:
    """Switches and the answers to their requests."""

    def __init__(self, folder: Path, at: Instant | None = None) -> None:
        self.answers: list[dict[str, Any]] = []
        self.switches = SwitchRequests(folder, at or instant(0), RULES)

    def answer(self) -> Answer:
        """Return an answer that is kept."""
        return Answer("t", lambda payload: self.answers.append(json.loads(payload)))

    def privacy(self, *, on: bool) -> None:
        """Request privacy mode."""
        self.switches.set_privacy(SetPrivacy(on), instant(0), self.answer())

    def recognition(self, *, on: bool) -> None:
        """Request recognition."""
        self.switches.set_recognition(SetRecognition(on), instant(0), self.answer())

    def snooze(self, for_s: float, rule: str | None = None) -> None:
        """Request silence."""
        self.switches.snooze(Snooze(for_s, rule), instant(0), self.answer())


def test_a_new_node_watches_and_recognizes(tmp_path: Path) -> None:
    """Nothing is switched until somebody does."""
    switches = Fixture(tmp_path).switches
    assert (switches.watching, switches.recognizing, switches.restarting) == (True, True, False)


def test_privacy_stops_watching_and_survives_a_restart(tmp_path: Path) -> None:
    """Whoever turns the eye away must be able to rely on it after a power cut."""
    fixture = Fixture(tmp_path)
    fixture.privacy(on=True)
    assert not fixture.switches.watching
    assert not fixture.switches.recognizing
    assert not Fixture(tmp_path).switches.watching
    fixture.privacy(on=False)
    assert Fixture(tmp_path).switches.watching


def test_recognition_stops_recognizing_alone(tmp_path: Path) -> None:
    """Faces are still counted."""
    fixture = Fixture(tmp_path)
    fixture.recognition(on=False)
    assert (fixture.switches.watching, fixture.switches.recognizing) == (True, False)
    assert not Fixture(tmp_path).switches.recognizing


def test_a_snooze_silences_its_rule_for_its_time(tmp_path: Path) -> None:
    """Durations are of the monotonic clock; the end belongs to the alerts."""
    fixture = Fixture(tmp_path)
    fixture.snooze(60.0, rule="night")
    silent = fixture.switches.silent
    assert [silent("night", instant(59.9)), silent("night", instant(60)), silent("crowd", instant(1))] == [
        True,
        False,
        False,
    ]


def test_a_snooze_of_all_rules_replaces_others_and_zero_ends_it(tmp_path: Path) -> None:
    """`for_s` 0 without a rule makes everything loud again."""
    fixture = Fixture(tmp_path)
    fixture.snooze(60.0, rule="night")
    fixture.snooze(10.0)
    assert fixture.switches.silent("crowd", instant(9))
    assert not fixture.switches.silent("night", instant(11))
    fixture.snooze(0.0)
    assert not fixture.switches.silent("crowd", instant(9))


@pytest.mark.parametrize(("later", "left"), [(20, 40), (-3600, 60), (70, 0)])
def test_a_snooze_survives_a_restart_and_never_grows(tmp_path: Path, later: int, left: int) -> None:
    """The wall clock is all there is over a reboot; one that went back must not silence alerts for longer."""
    Fixture(tmp_path).snooze(60.0)
    start = Instant(instant(0).wall + timedelta(seconds=later), 5.0, synced=True)
    switches = Fixture(tmp_path, start).switches
    assert switches.silent("night", instant(5 + left - 0.1)) is (left > 0)
    assert not switches.silent("night", instant(5 + left + 0.1))


def test_a_restart_is_asked_for_and_answered(tmp_path: Path) -> None:
    """The loop ends the process; the answer goes out before."""
    fixture = Fixture(tmp_path)
    fixture.switches.restart(Restart(), instant(0), fixture.answer())
    assert fixture.switches.restarting
    assert fixture.answers == [{"transaction": "t", "status": "ok"}]


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
    fixture = Fixture(tmp_path)
    assert not fixture.switches.watching
    assert "privacy is on" in caplog.text
    fixture.privacy(on=False)
    assert Fixture(tmp_path).switches.watching


def test_a_fifo_in_place_of_the_file_turns_privacy_on(tmp_path: Path) -> None:
    """The node does not wait for what nobody writes."""
    os.mkfifo(tmp_path / FILE)
    assert not Fixture(tmp_path).switches.watching


def test_a_full_disk_leaves_the_old_file_whole_and_says_so(tmp_path: Path) -> None:
    """The switch works at once; that it will not last is in the answer."""
    fixture = Fixture(tmp_path)
    fixture.recognition(on=False)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        fixture.privacy(on=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not fixture.switches.watching
    assert fixture.answers[-1]["status"] == "error"
    assert Fixture(tmp_path).switches.watching
    fixture.snooze(1.0)
    assert fixture.answers[-1]["status"] == "ok"
    assert not Fixture(tmp_path).switches.watching


def test_a_snooze_of_a_rule_that_there_is_not_is_refused(tmp_path: Path) -> None:
    """A mistyped id must not leave somebody in the belief that it is quiet."""
    fixture = Fixture(tmp_path)
    fixture.snooze(60.0, rule="nihgt")
    answer = fixture.answers[-1]
    assert answer["status"] == "error"
    assert "door, night" in answer["error"]
