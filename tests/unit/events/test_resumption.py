"""Events and alerts over restarts: who was reported once is not reported again, and what began goes on."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from makers import unit
from restarting_node import InView, RestartingNode, scheduled

from node.domain import Alert, CameraState, Event
from node.events.alerts import Rule
from node.people.matcher import GalleryMatcher
from node.people.person import Anchor, Person
from node.settings import EventSettings, RuleSettings

FACES = {"ada": unit(1, 0, 0, 0), "bob": unit(0, 1, 0, 0), "stranger": unit(0, 0, 1, 0), "other": unit(0, 0, 0, 1)}
POLICY = EventSettings(votes=3, unknown_votes=5, leave_after_s=2)
KNOWN = GalleryMatcher([Person(name, name, (Anchor(FACES[name], "s", "photo"),)) for name in ("ada", "bob")], "s", 0.5)
RAISED, CLEARED = "raised", "cleared"


def rule(rule_id: str, when: str, **more: object) -> RuleSettings:
    """Return a rule with the default cool-down."""
    return RuleSettings.model_validate({"id": rule_id, "when": when, **more})


def node(in_view: InView, *rules: Rule, policy: EventSettings = POLICY) -> RestartingNode:
    """Return a node that has just started."""
    return RestartingNode(policy, KNOWN, rules, in_view)


def always(*names: str) -> InView:
    """Return a view that does not change."""
    return scheduled(FACES, {name: [(0, float("inf"))] for name in names})


def restarted(made: RestartingNode, at_s: float, gap_s: float = 4.0, *, clean: bool = True) -> None:
    """Run a node up to a moment, and restart it."""
    made.run(at_s)
    if clean:
        made.stop()
    made.start(at_s + gap_s)


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("name", ["ada", "stranger"])
def test_three_restarts_report_nobody_twice(name: str, clean: bool) -> None:  # noqa: FBT001 - a table
    """Neither event nor alert comes again, also after both cool-downs."""
    made = node(always(name), rule("r", "recognized" if name == "ada" else "unknown", cool_down_s=5))
    for at_s in (20, 60, 90):
        restarted(made, at_s, clean=clean)
    made.run(900)
    person = None if name == "stranger" else name
    assert made.events(person) == ["unknown" if person is None else "recognized"]
    assert made.alerts("r") == [RAISED]


@pytest.mark.parametrize("name", ["ada", "stranger"])
def test_a_kill_between_any_two_writes_reports_nobody_twice_and_loses_nothing(name: str) -> None:
    """Before the outbox has a message and after it, with what is kept on the disk and without: each comes once."""
    stays: dict[str, Sequence[tuple[float, float]]] = {name: [(0, 20), (120, 140)]}
    rules = (
        rule("r", "recognized" if name == "ada" else "unknown", cool_down_s=5),
        rule("here", "loiter", for_s=8, cool_down_s=0),
    )
    whole = node(scheduled(FACES, stays), *rules)
    whole.run(300)
    person = None if name == "stranger" else name
    assert whole.file.operations >= 2 * whole.puts == 12
    for kill_at in range(whole.file.operations):
        made = node(scheduled(FACES, stays), *rules)
        made.run_killed(300, kill_at, gap_s=1)
        assert made.events(person) == ["unknown" if person is None else "recognized", "left"] * 2, kill_at
        assert made.alerts("r") == made.alerts("here") == [RAISED, CLEARED] * 2, kill_at


def test_a_known_person_in_view_for_an_hour_before_a_kill_is_not_reported_again() -> None:
    """The process that is killed did not note when; systemd starts it again at once."""
    made = node(always("ada"))
    restarted(made, 3600, clean=False)
    made.run(3700)
    assert made.events("ada") == ["recognized"]


def test_whoever_is_not_found_again_has_left_once_and_clears_the_alert() -> None:
    """`seen_s` ends with the last sight before the restart; the event names the track of that time."""
    made = node(scheduled(FACES, {"ada": [(0, 20)]}), rule("r", "recognized"))
    restarted(made, 20)
    made.run(40)
    left = [(s, each) for s, each in made.published if isinstance(each, Event)][1]
    assert made.events("ada") == ["recognized", "left"]
    assert left[0] == pytest.approx(26.5, abs=made.step_s)
    assert left[1].seen_s == pytest.approx(19.5, abs=made.step_s)
    assert made.alerts("r") == [RAISED, CLEARED]
    cleared = [each for _, each in made.published if isinstance(each, Alert)][1]
    assert cleared.for_s == pytest.approx(25.5, abs=2 * made.step_s)


def test_a_return_within_the_cool_down_after_a_restart_is_not_reported() -> None:
    """The cool-down of somebody who had left goes on, and ends when it would have ended."""
    stays = {"ada": [(0.0, 20.0), (40.0, 50.0), (130.0, 140.0)]}
    made = node(scheduled(FACES, stays))
    restarted(made, 30)
    made.run(200)
    assert made.events("ada") == ["recognized", "left"] * 2


def test_after_a_long_stop_whoever_is_there_is_reported() -> None:
    """They have left and come again, as far as anybody can say; the rule may be raised again, too."""
    made = node(always("ada"), rule("r", "recognized", cool_down_s=60))
    restarted(made, 20, 600)
    made.run(700)
    assert made.events("ada") == ["recognized", "left", "recognized"]
    assert made.alerts("r") == [RAISED, CLEARED, RAISED]


def test_a_reboot_within_the_cool_down_with_a_synchronized_clock_reports_nobody_again() -> None:
    """After a reboot the wall clock counts, if it was synchronized before and is now."""
    made = node(always("ada", "stranger"), rule("r", "unknown"))
    made.run(20)
    made.machine.reboot(40, synced=True)
    made.start(45)
    made.run(200)
    assert made.events("ada") == ["recognized"]
    assert made.events(None) == ["unknown"]
    assert made.alerts("r") == [RAISED]


def test_after_a_reboot_without_a_synchronized_clock_the_cool_downs_begin_anew() -> None:
    """Nobody is reported again before the cool-down has passed, and whoever is there then, is."""
    made = node(always("ada"), rule("r", "recognized"))
    made.run(20)
    made.machine.reboot(40, synced=False)
    made.start(45)
    made.run(100)
    assert made.events("ada") == ["recognized", "left"]
    made.run(110)
    assert made.events("ada") == ["recognized", "left", "recognized"]
    assert made.alerts("r") == [RAISED, CLEARED]
    made.run(350)
    assert made.alerts("r") == [RAISED, CLEARED, RAISED]


def test_another_stranger_after_the_first_seconds_is_a_new_one() -> None:
    """Only a stranger who is there at the start can be the one who was there before."""
    made = node(scheduled(FACES, {"stranger": [(0, 20)], "other": [(40, 60)]}))
    restarted(made, 20)
    made.run(80)
    assert made.events(None) == ["unknown", "left"] * 2


def test_one_stranger_before_a_restart_hides_no_second_one() -> None:
    """Of two strangers after a restart one was there before."""
    made = node(scheduled(FACES, {"stranger": [(0, 60)], "other": [(20, 60)]}))
    restarted(made, 20)
    made.run(80)
    assert made.events(None) == ["unknown", "unknown", "left", "left"]


def test_a_stranger_who_is_found_again_is_known_by_their_face_from_then_on() -> None:
    """A return within the cool-down belongs to the same visit, as without a restart."""
    made = node(scheduled(FACES, {"stranger": [(0, 40), (60, 80)]}))
    restarted(made, 20)
    made.run(90)
    assert made.events(None) == ["unknown", "left"]


def test_a_slow_camera_makes_nobody_leave() -> None:
    """The seconds in which somebody must be found again begin with the first frame."""
    made = node(always("ada"), rule("r", "recognized"))
    restarted(made, 20)
    made.run(45, looked=False)
    made.run(60)
    assert made.events("ada") == ["recognized"]
    assert made.alerts("r") == [RAISED]


def test_a_camera_that_stays_away_makes_everybody_leave() -> None:
    """Time passes also without frames."""
    made = node(always("ada"))
    restarted(made, 20)
    made.run(60, looked=False)
    assert made.events("ada") == ["recognized", "left"]


def test_a_slow_decision_makes_nobody_leave() -> None:
    """Whoever is there but not decided upon may be the one who was there before."""
    slow = EventSettings(votes=20, unknown_votes=20, leave_after_s=2)
    made = node(always("ada"), policy=slow)
    restarted(made, 20)
    made.run(60)
    assert made.events("ada") == ["recognized"]


def test_loitering_and_a_lost_camera_go_on_counting() -> None:
    """`for_s` is reached although no process lives that long."""
    made = node(always("ada"), rule("stays", "loiter", for_s=60), rule("cam", "camera_lost", for_s=60))
    for at_s in (15.0, 30.0, 45.0):
        made.run(at_s, CameraState.LOST)
        made.stop()
        made.start(at_s + 2)
    made.run(58, CameraState.LOST)
    assert made.alerts("stays") == made.alerts("cam") == []
    made.run(70, CameraState.LOST)
    assert made.alerts("stays") == made.alerts("cam") == [RAISED]


@pytest.mark.parametrize("clean", [True, False])
def test_an_outage_of_the_camera_is_one_alert_over_many_restarts(clean: bool) -> None:  # noqa: FBT001 - a table
    """It is cleared once, when the camera is back; the cool-down does not matter."""
    made = node(always(), rule("cam", "camera_lost", cool_down_s=0))
    for at_s in range(20, 400, 20):
        made.run(at_s, CameraState.LOST, looked=False)
        if clean:
            made.stop()
        made.start(at_s + 2)
    made.run(410)
    assert made.alerts("cam") == [RAISED, CLEARED]


def test_a_crowd_stays_one_over_a_restart_until_the_first_seconds_are_over() -> None:
    """Before the first faces are found again the crowd is not over; if they are not, it is."""
    stays = {name: [(0.0, 40.0)] for name in ("ada", "bob", "stranger")}
    made = node(scheduled(FACES, stays), rule("crowd", "count", at_least=3, cool_down_s=0))
    restarted(made, 20)
    made.run(39)
    assert made.alerts("crowd") == [RAISED]
    restarted(made, 39)
    made.run(60)
    assert made.alerts("crowd") == [RAISED, CLEARED]


def test_nothing_is_raised_about_somebody_who_is_only_expected() -> None:
    """A rule that the owner adds during a restart needs somebody in view."""
    made = node(scheduled(FACES, {"ada": [(0, 20)]}))
    made.run(20)
    made.stop()
    made.rules = (rule("r", "recognized"),)
    made.start(24)
    made.run(40)
    assert made.alerts("r") == []


@pytest.mark.parametrize("after", [(), (rule("r", "count", at_least=9),)])
def test_an_alert_of_a_rule_that_is_gone_or_of_another_kind_is_cleared_once(after: Sequence[Rule]) -> None:
    """Whoever switched something on by `raised` gets the end of it."""
    made = node(always("ada"), rule("r", "recognized"))
    made.run(20)
    made.stop()
    made.rules = after
    for start_s in (24, 34):
        made.start(start_s)
        made.run(start_s + 5)
        made.stop()
    assert made.alerts("r") == [RAISED, CLEARED]


def test_a_changed_rule_of_the_same_kind_goes_on() -> None:
    """Its alert is cleared if the condition does not hold any more."""
    made = node(always("ada"), rule("r", "recognized"))
    made.run(20)
    made.stop()
    made.rules = (rule("r", "recognized", people=["bob"]),)
    made.start(24)
    made.run(40)
    assert made.alerts("r") == [RAISED, CLEARED]


def test_quiet_times_and_a_face_in_view_write_nothing() -> None:
    """Only a visit or an alert that changes is written."""
    made = node(scheduled(FACES, {"ada": [(100, 500)]}), rule("r", "recognized", cool_down_s=5))
    made.run(99)
    quiet = made.file.writes
    made.run(110)
    arrived = made.file.writes
    made.run(499)
    assert made.file.writes == arrived
    assert quiet <= 1
    made.run(3600)
    assert made.file.content is None
    assert made.file.writes <= 8


def test_a_busy_door_is_written_at_most_once_a_second() -> None:
    """However often people come and go."""
    stays = {name: [(s, s + 3) for s in range(phase, 600, 7)] for phase, name in enumerate(("ada", "bob", "stranger"))}
    made = node(scheduled(FACES, stays), rule("r", "unknown", cool_down_s=0))
    made.run(600)
    assert made.file.writes <= 600


GAP_S, STAY_S = 20, 20


@st.composite
def timetables(draw: st.DrawFn) -> dict[str, list[tuple[float, float]]]:
    """Return when each comes and goes.

    A stranger does not return within a cool-down, since no face is kept. Nobody stays for longer than the cool-down: a
    node that is killed later in a visit cannot tell a stranger from the next one.
    """
    made: dict[str, list[tuple[float, float]]] = {}
    for name in ("ada", "bob", "stranger"):
        s, stays = 0.0, []
        for _ in range(draw(st.integers(0, 3))):
            s += GAP_S * (draw(st.integers(1, 8)) if name != "stranger" else draw(st.integers(5, 8)))
            end = s + STAY_S * draw(st.integers(1, 2))
            stays.append((s, end))
            s = end
        made[name] = stays
    return made


@settings(max_examples=40, deadline=None)
@given(timetables(), st.lists(st.tuples(st.integers(20, 120), st.booleans(), st.booleans()), max_size=6))
def test_random_restarts_change_no_event_and_no_alert(
    stays: dict[str, list[tuple[float, float]]], restarts: list[tuple[int, bool, bool]]
) -> None:
    """Each person's events and each rule's alerts are the same as without a restart, a few seconds later at most.

    So nothing may happen within seconds of something else that it depends on: a cool-down ends ten seconds from any
    coming and going, and the next one, which begins when the alert is raised at last, only after everybody has left.
    """
    rules = (
        rule("known", "recognized", cool_down_s=310),
        rule("stranger", "unknown", cool_down_s=0),
        rule("stays", "loiter", for_s=30, cool_down_s=0),
    )
    straight, broken = (node(scheduled(FACES, stays), *rules) for _ in range(2))
    s = 0.0
    for after_s, clean, reboot in restarts:
        s += after_s
        broken.run(s)
        if clean:
            broken.stop()
        if reboot:
            broken.machine.reboot(s, synced=True)
        s += 2
        broken.start(s)
    end_s = max(s, *(end for spans in stays.values() for _, end in spans), 0) + 90
    for made in (straight, broken):
        made.run(end_s)
    for person in ("ada", "bob", None):
        assert broken.events(person) == straight.events(person), person
    for each in rules:
        assert broken.alerts(each.id) == straight.alerts(each.id), each.id
