"""Alerts: each rule told once, in its hours, not too often, and cleared when it is over."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from makers import face

from node.domain import UNKNOWN, AlertState, CameraState, Event, EventType, Instant, Match, Presence
from node.events.alerts import Alerts, Scene, within
from node.settings import RuleSettings

MIDNIGHT = datetime(2026, 1, 15, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
RAISED, CLEARED = AlertState.RAISED, AlertState.CLEARED


def rule(when: str, **more: object) -> RuleSettings:
    """Return a rule called `r` without a cool-down unless one is given."""
    return RuleSettings.model_validate({"id": "r", "when": when, "cool_down_s": 0, **more})


def moment(s: float, *, synced: bool = True) -> Instant:
    """Return a moment so many seconds after midnight."""
    return Instant(MIDNIGHT + timedelta(seconds=s), s, synced)


def event(kind: EventType, s: float, person: str | None = None, track: int = 1) -> Event:
    """Return an event of a track."""
    return Event(kind, moment(s), track, face().box, Match(person, 0.9) if person else None)


@dataclass
class Story:
    """Plays a scene to rules, second by second; who was told and has not left is in view."""

    alerts: Alerts
    enrolled: bool = True
    here: dict[int, Presence] = field(default_factory=dict)

    def scene(
        self, *, count: int = 0, camera: CameraState = CameraState.OK, snoozed: frozenset[str] = frozenset()
    ) -> Scene:
        """Return what the rules look at now."""
        return Scene(count, tuple(self.here.values()), camera, self.enrolled, snoozed)

    def tell(self, *events: Event) -> tuple[Event, ...]:
        """Take in who comes and goes."""
        for each in events:
            former = self.here.pop(each.track, None)
            if each.type is not EventType.LEFT:
                person = (each.person and each.person.person) or UNKNOWN
                self.here[each.track] = Presence(person, former.since if former else each.at)
        return events

    def at(
        self,
        s: float,
        *events: Event,
        count: int = 0,
        camera: CameraState = CameraState.OK,
        snoozed: frozenset[str] = frozenset(),
    ) -> list[AlertState]:
        """Return what is raised and cleared at a second."""
        told = self.tell(*events)
        scene = self.scene(count=count, camera=camera, snoozed=snoozed)
        return [alert.state for alert in self.alerts.update(moment(s), told, scene)]


def story(*rules: RuleSettings, enrolled: bool = True) -> Story:
    """Return a story under rules."""
    return Story(Alerts(rules), enrolled)


def test_a_stranger_is_told_once_and_cleared_when_gone() -> None:
    """However long somebody stays, it is one alert."""
    play = story(rule("unknown"))
    assert play.at(0, event(EventType.UNKNOWN, 0)) == [RAISED]
    assert [play.at(s) for s in (1, 2, 500)] == [[], [], []]
    assert play.at(501, event(EventType.LEFT, 501)) == [CLEARED]
    assert play.at(502) == []


def test_the_alert_carries_the_event_that_met_the_rule() -> None:
    """A subscriber finds the event by its id."""
    play = story(rule("recognized"))
    happened = event(EventType.RECOGNIZED, 3, "ada")
    (alert,) = play.alerts.update(moment(3), play.tell(happened), play.scene())
    assert alert.event is happened
    assert alert.person == "ada"


def test_somebody_known_is_no_stranger_and_a_stranger_is_nobody_known() -> None:
    """Each rule has its own kind of people."""
    assert story(rule("unknown")).at(0, event(EventType.RECOGNIZED, 0, "ada")) == []
    assert story(rule("recognized")).at(0, event(EventType.UNKNOWN, 0)) == []


def test_a_rule_about_ada_is_silent_about_bob() -> None:
    """`people` names whom it is about."""
    play = story(rule("recognized", people=["ada"]))
    assert play.at(0, event(EventType.RECOGNIZED, 0, "bob")) == []
    assert play.at(1, event(EventType.RECOGNIZED, 1, "ada", track=2)) == [RAISED]


def test_a_stranger_who_turns_out_to_be_ada_clears_the_alert() -> None:
    """`changed` overturns."""
    play = story(rule("unknown"))
    play.at(0, event(EventType.UNKNOWN, 0))
    assert play.at(5, event(EventType.CHANGED, 5, "ada")) == [CLEARED]


def test_ada_who_turns_out_to_be_a_stranger_raises_one() -> None:
    """`changed` counts as being told a stranger."""
    play = story(rule("unknown"))
    play.at(0, event(EventType.RECOGNIZED, 0, "ada"))
    assert play.at(5, event(EventType.CHANGED, 5)) == [RAISED]


def test_one_alert_for_two_strangers_until_both_are_gone() -> None:
    """The alert is about strangers, not about each of them."""
    play = story(rule("unknown"))
    assert play.at(0, event(EventType.UNKNOWN, 0), event(EventType.UNKNOWN, 0, track=2)) == [RAISED]
    assert play.at(1, event(EventType.LEFT, 1)) == []
    assert play.at(2, event(EventType.LEFT, 2, track=2)) == [CLEARED]


def test_the_cool_down_counts_from_the_last_alert() -> None:
    """PersonStub pacing at the door is one alert in `cool_down_s`; who is still there after it is told again."""
    play = story(rule("unknown", cool_down_s=300))
    assert play.at(0, event(EventType.UNKNOWN, 0)) == [RAISED]
    assert play.at(10, event(EventType.LEFT, 10)) == [CLEARED]
    assert play.at(20, event(EventType.UNKNOWN, 20, track=2)) == []
    assert play.at(299) == []
    assert play.at(300) == [RAISED]


def test_nobody_enrolled_means_no_stranger_unless_the_rule_says_so() -> None:
    """A fresh install knows nobody: it must not cry wolf."""
    assert story(rule("unknown"), enrolled=False).at(0, event(EventType.UNKNOWN, 0)) == []
    assert story(rule("unknown", nobody_enrolled=True), enrolled=False).at(0, event(EventType.UNKNOWN, 0)) == [RAISED]


def test_loitering_is_told_after_its_time() -> None:
    """Who passes by does not loiter; the alert says for how long it was."""
    play = story(rule("loiter", for_s=60))
    play.at(0, event(EventType.UNKNOWN, 0))
    assert play.at(59) == []
    (alert,) = play.alerts.update(moment(60), [], play.scene())
    assert (alert.state, alert.for_s, alert.person) == (RAISED, 60, None)
    assert play.at(61, event(EventType.LEFT, 61)) == [CLEARED]


def test_loitering_of_strangers_only() -> None:
    """`people = ["unknown"]` leaves the family alone."""
    play = story(rule("loiter", for_s=60, people=["unknown"]))
    play.at(0, event(EventType.RECOGNIZED, 0, "ada"))
    assert play.at(100) == []


def test_a_change_of_name_does_not_start_the_time_anew() -> None:
    """It is the same face that stays."""
    play = story(rule("loiter", for_s=60))
    play.at(0, event(EventType.UNKNOWN, 0))
    play.at(50, event(EventType.CHANGED, 50, "ada"))
    assert play.at(60) == [RAISED]


def test_a_crowd_is_counted_known_or_not() -> None:
    """`count` looks at faces, and says how many."""
    play = story(rule("count", at_least=5))
    assert play.at(0, count=4) == []
    (alert,) = play.alerts.update(moment(1), [], play.scene(count=6))
    assert (alert.state, alert.count) == (RAISED, 6)
    assert play.at(2, count=5) == []
    assert play.at(3, count=4) == [CLEARED]


def test_a_crowd_that_must_last_starts_anew_when_it_thins() -> None:
    """`for_s` of `count` is without a break."""
    play = story(rule("count", at_least=2, for_s=10))
    assert [play.at(s, count=c) for s, c in ((0, 2), (9, 2), (9.5, 1), (10, 2), (19, 2))] == [[]] * 5
    assert play.at(20, count=2) == [RAISED]


def test_a_lost_camera_is_told_and_its_return_too() -> None:
    """PersonStub covered it, or it broke."""
    play = story(rule("camera_lost", for_s=5))
    assert [play.at(s, camera=CameraState.LOST) for s in (0, 4)] == [[], []]
    assert play.at(5, camera=CameraState.LOST) == [RAISED]
    assert play.at(6) == [CLEARED]


def test_a_private_camera_is_not_lost() -> None:
    """Privacy mode is the owner's wish."""
    assert story(rule("camera_lost")).at(0, camera=CameraState.PRIVATE) == []


def test_a_snoozed_rule_is_silent_and_speaks_when_it_wakes() -> None:
    """What is still so after the snooze is told; what was raised before is cleared as ever."""
    play = story(rule("unknown"))
    quiet = frozenset({"r"})
    assert play.at(0, event(EventType.UNKNOWN, 0), snoozed=quiet) == []
    assert play.at(10) == [RAISED]
    assert play.at(11, event(EventType.LEFT, 11), snoozed=quiet) == [CLEARED]


def test_a_snooze_of_another_rule_changes_nothing() -> None:
    """Only the named rules sleep."""
    assert story(rule("unknown")).at(0, event(EventType.UNKNOWN, 0), snoozed=frozenset({"s"})) == [RAISED]


def test_hours_begin_for_somebody_already_there_and_end_for_somebody_still_there() -> None:
    """At 22:00 a stranger who came before is told; at 06:00 the alert is over."""
    play = story(rule("unknown", between=["22:00", "06:00"]))
    assert play.at(21 * 3600, event(EventType.UNKNOWN, 21 * 3600)) == []
    assert play.at(22 * 3600) == [RAISED]
    assert play.at(30 * 3600 - 1) == []
    assert play.at(30 * 3600) == [CLEARED]


def test_without_a_synchronised_clock_every_hour_counts() -> None:
    """A wrong clock must not silence an alarm; the instant says that it was not synchronised."""
    play = story(rule("unknown", between=["22:00", "06:00"]))
    noon = moment(12 * 3600, synced=False)
    (alert,) = play.alerts.update(noon, play.tell(event(EventType.UNKNOWN, 12 * 3600)), play.scene())
    assert alert.at.synced is False


def test_a_step_of_the_wall_clock_ends_no_cool_down() -> None:
    """Durations are of monotonic time."""
    play = story(rule("unknown", cool_down_s=300))
    play.at(0, event(EventType.UNKNOWN, 0))
    play.at(1, event(EventType.LEFT, 1))
    leapt = Instant(MIDNIGHT + timedelta(days=3), 2.0, synced=True)
    assert play.alerts.update(leapt, play.tell(event(EventType.UNKNOWN, 2, track=2)), play.scene()) == ()


def test_somebody_who_is_back_untold_still_loiters() -> None:
    """The rules look at who is in view, not at what was told of them."""
    play = story(rule("loiter", for_s=60))
    play.here[7] = Presence(UNKNOWN, moment(0))
    assert play.at(59) == []
    assert play.at(60) == [RAISED]


def test_somebody_who_vanishes_without_an_event_clears_the_alert() -> None:
    """Whoever was erased or is ignored from now on has no `left`."""
    play = story(rule("recognized"))
    play.at(0, event(EventType.RECOGNIZED, 0, "ada"))
    play.here.clear()
    assert play.at(1) == [CLEARED]


@pytest.mark.parametrize(
    ("hours", "wall", "inside"),
    [
        (None, "12:00", True),
        (("08:00", "18:00"), "07:59", False),
        (("08:00", "18:00"), "08:00", True),
        (("08:00", "18:00"), "17:59", True),
        (("08:00", "18:00"), "18:00", False),
        (("22:00", "06:00"), "21:59", False),
        (("22:00", "06:00"), "22:00", True),
        (("22:00", "06:00"), "00:00", True),
        (("22:00", "06:00"), "05:59", True),
        (("22:00", "06:00"), "06:00", False),
        (("00:00", "00:00"), "13:00", True),
    ],
)
def test_hours_may_cross_midnight(hours: tuple[str, str] | None, wall: str, inside: bool) -> None:  # noqa: FBT001 - a table
    """The start belongs to the hours, the end does not."""
    span = None if hours is None else (time.fromisoformat(hours[0]), time.fromisoformat(hours[1]))
    now = datetime.combine(MIDNIGHT, time.fromisoformat(wall), tzinfo=UTC)
    assert within(span, Instant(now, 0.0, synced=True), UTC) is inside


@pytest.mark.parametrize(
    ("utc", "inside"),
    [
        ("2026-03-29T00:59", True),  # 01:59 in Berlin, the last minute before the clock springs to 03:00
        ("2026-03-29T01:00", False),  # 03:00: the hour from 02:00 does not exist that night
        ("2026-10-25T00:30", True),  # 02:30, the first time
        ("2026-10-25T01:30", True),  # 02:30, the second time
        ("2026-10-25T02:00", False),  # 03:00
        ("2026-07-01T23:30", True),  # 01:30 in summer time
        ("2026-01-01T23:30", False),  # 00:30 in winter time
    ],
)
def test_hours_follow_the_clock_on_the_wall_over_daylight_saving_time(utc: str, inside: bool) -> None:  # noqa: FBT001 - a table
    """01:00 to 03:00 in Berlin, in the nights in which the clock changes and in others."""
    now = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert within((time(1), time(3)), Instant(now, 0.0, synced=True), BERLIN) is inside
