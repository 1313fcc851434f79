"""What requests switch, and what stays switched."""

import json
import os
import resource
from datetime import UTC, datetime, timedelta
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


@pytest.mark.parametrize("kind", ["pipe", "huge", "folder", "device"])
def test_a_file_that_never_ends_turns_privacy_on(tmp_path: Path, kind: str) -> None:
    """It cannot be read either; a pipe without a writer would keep the node from starting."""
    if kind == "pipe":
        os.mkfifo(tmp_path / FILE)
    elif kind == "folder":
        (tmp_path / FILE).mkdir()
    elif kind == "device":
        (tmp_path / FILE).symlink_to("/dev/zero")
    else:
        with (tmp_path / FILE).open("wb") as huge:
            huge.truncate(1 << 40)
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


def until(switches: SwitchRequests, at: Instant) -> dict[str, float]:
    """Return the seconds after the start of the tests at which each snooze ends."""
    return {rule: (end - instant(0).wall).total_seconds() for rule, end in switches.snoozed_until(at).items()}


def test_a_snooze_has_an_end_that_stays_the_same_from_tick_to_tick(tmp_path: Path) -> None:
    """Otherwise each frame would publish another state: the two clocks are not read at once. Setting one moves it."""
    fixture = Fixture(tmp_path)
    fixture.snooze(60.0, rule="night")
    assert until(fixture.switches, instant(0)) == {"night": 60}
    late = Instant(instant(10).wall + timedelta(milliseconds=3), 10.0, synced=True)
    assert until(fixture.switches, late) == {"night": 60}
    leapt = Instant(instant(20).wall + timedelta(hours=1), 20.0, synced=True)
    assert until(fixture.switches, leapt) == {"night": 3660}
    assert until(fixture.switches, instant(60)) == {}


def test_a_snooze_of_all_rules_is_one_of_each(tmp_path: Path) -> None:
    """Each has its own switch in Home Assistant: the end of one leaves the others silent."""
    fixture = Fixture(tmp_path)
    fixture.snooze(60.0)
    assert until(fixture.switches, instant(0)) == {"door": 60, "night": 60}
    fixture.snooze(0.0, rule="night")
    assert until(fixture.switches, instant(0)) == {"door": 60}
    assert until(Fixture(tmp_path).switches, instant(0)) == {"door": 60}
    fixture.snooze(10.0, rule="night")
    assert until(fixture.switches, instant(0)) == {"door": 60, "night": 10}
    fixture.snooze(20.0, rule="door")
    assert until(fixture.switches, instant(0)) == {"door": 20, "night": 10}


def test_a_snooze_of_a_rule_that_is_gone_is_not_shown(tmp_path: Path) -> None:
    """The settings may have changed since; what is kept for it does no harm."""
    (tmp_path / FILE).write_text(
        '{"privacy":false,"recognition":true,"snoozed":{"gone":{"for_s":60,"until":"2026-01-02T03:05:05.000Z"}}}'
    )
    assert until(Fixture(tmp_path).switches, instant(0)) == {}


def test_a_snooze_from_a_file_is_no_longer_than_any_may_be(tmp_path: Path) -> None:
    """The end of one of thousands of years could not be written as a date once the clock is set forward."""
    (tmp_path / FILE).write_text(
        '{"privacy":false,"recognition":true,"snoozed":{"*":{"for_s":1e12,"until":"9999-12-31T23:59:59.000Z"}}}'
    )
    switches = Fixture(tmp_path).switches
    week = 7 * 24 * 3600
    assert until(switches, instant(0)) == {"door": week, "night": week}
    switches.snoozed_until(Instant(datetime(9999, 12, 1, tzinfo=UTC), 1.0, synced=True))
