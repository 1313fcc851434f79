"""Alerts: each raised once, in its hours, not too often, and cleared when it is over."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from makers import face

from node.domain import UNKNOWN, AlertState, CameraState, Event, EventType, Instant, Match, Presence
from node.events.alerts import Alerts, Scene
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
class Timeline:
    """Applies rules second by second; whoever was reported and has not left is in view."""

    alerts: Alerts
    enrolled: bool = True
    in_view: dict[int, Presence] = field(default_factory=dict)

    def scene(
        self, *, count: int = 0, camera: CameraState | None = CameraState.OK, snoozed: frozenset[str] = frozenset()
    ) -> Scene:
        """Return the scene now."""
        return Scene(count, tuple(self.in_view.values()), camera, self.enrolled, snoozed)

    def apply(self, *events: Event) -> tuple[Event, ...]:
        """Update who is in view."""
        for each in events:
            former = self.in_view.pop(each.track, None)
            if each.type is not EventType.LEFT:
                person = (each.person and each.person.person) or UNKNOWN
                self.in_view[each.track] = Presence(person, former.since if former else each.at)
        return events

    def at(
        self,
        s: float,
        *events: Event,
        count: int = 0,
        camera: CameraState | None = CameraState.OK,
        snoozed: frozenset[str] = frozenset(),
    ) -> list[AlertState]:
        """Return the states of the alerts of a second."""
        applied = self.apply(*events)
        scene = self.scene(count=count, camera=camera, snoozed=snoozed)
        return [alert.state for alert in self.alerts.update(moment(s), applied, scene)]


def with_rules(*rules: RuleSettings, enrolled: bool = True) -> Timeline:
    """Return a timeline with these rules."""
    return Timeline(Alerts(rules), enrolled)


def test_a_stranger_raises_one_alert_that_is_cleared_when_they_leave() -> None:
    """It is one alert, however long they stay."""
    timeline = with_rules(rule("unknown"))
    assert timeline.at(0, event(EventType.UNKNOWN, 0)) == [RAISED]
    assert [timeline.at(s) for s in (1, 2, 500)] == [[], [], []]
    assert timeline.at(501, event(EventType.LEFT, 501)) == [CLEARED]
    assert timeline.at(502) == []


def test_the_alert_carries_the_event_that_met_the_rule() -> None:
    """A subscriber finds the event by its id."""
    timeline = with_rules(rule("recognized"))
    happened = event(EventType.RECOGNIZED, 3, "ada")
    (alert,) = timeline.alerts.update(moment(3), timeline.apply(happened), timeline.scene())
    assert alert.event is happened
    assert alert.person == "ada"


def test_a_known_person_is_not_a_stranger_and_a_stranger_is_not_known() -> None:
    """`recognized` and `unknown` concern different people."""
    assert with_rules(rule("unknown")).at(0, event(EventType.RECOGNIZED, 0, "ada")) == []
    assert with_rules(rule("recognized")).at(0, event(EventType.UNKNOWN, 0)) == []


def test_a_rule_about_ada_is_silent_about_bob() -> None:
    """`people` lists whom a rule concerns."""
    timeline = with_rules(rule("recognized", people=["ada"]))
    assert timeline.at(0, event(EventType.RECOGNIZED, 0, "bob")) == []
    assert timeline.at(1, event(EventType.RECOGNIZED, 1, "ada", track=2)) == [RAISED]


def test_a_stranger_who_turns_out_to_be_ada_clears_the_alert() -> None:
    """`changed` corrects the earlier event."""
    timeline = with_rules(rule("unknown"))
    timeline.at(0, event(EventType.UNKNOWN, 0))
    assert timeline.at(5, event(EventType.CHANGED, 5, "ada")) == [CLEARED]


def test_ada_who_turns_out_to_be_a_stranger_raises_an_alert() -> None:
    """`changed` to unknown counts as `unknown`."""
    timeline = with_rules(rule("unknown"))
    timeline.at(0, event(EventType.RECOGNIZED, 0, "ada"))
    assert timeline.at(5, event(EventType.CHANGED, 5)) == [RAISED]


def test_one_alert_for_two_strangers_until_both_are_gone() -> None:
    """The alert concerns strangers in general, not each of them."""
    timeline = with_rules(rule("unknown"))
    assert timeline.at(0, event(EventType.UNKNOWN, 0), event(EventType.UNKNOWN, 0, track=2)) == [RAISED]
    assert timeline.at(1, event(EventType.LEFT, 1)) == []
    assert timeline.at(2, event(EventType.LEFT, 2, track=2)) == [CLEARED]


def test_the_cool_down_counts_from_the_last_alert() -> None:
    """Somebody who comes and goes raises one alert in `cool_down_s`; if they are there after it, another."""
    timeline = with_rules(rule("unknown", cool_down_s=300))
    assert timeline.at(0, event(EventType.UNKNOWN, 0)) == [RAISED]
    assert timeline.at(10, event(EventType.LEFT, 10)) == [CLEARED]
    assert timeline.at(20, event(EventType.UNKNOWN, 20, track=2)) == []
    assert timeline.at(299) == []
    assert timeline.at(300) == [RAISED]


def test_without_enrolled_people_nobody_is_a_stranger_unless_the_rule_says_so() -> None:
    """A fresh installation knows nobody and must raise no false alarms."""
    assert with_rules(rule("unknown"), enrolled=False).at(0, event(EventType.UNKNOWN, 0)) == []
    assert with_rules(rule("unknown", nobody_enrolled=True), enrolled=False).at(0, event(EventType.UNKNOWN, 0)) == [
        RAISED
    ]


def test_loitering_is_reported_after_its_time() -> None:
    """Passing by is not loitering; the alert says how long it lasted."""
    timeline = with_rules(rule("loiter", for_s=60))
    timeline.at(0, event(EventType.UNKNOWN, 0))
    assert timeline.at(59) == []
    (alert,) = timeline.alerts.update(moment(60), [], timeline.scene())
    assert (alert.state, alert.for_s, alert.person) == (RAISED, 60, None)
    assert timeline.at(61, event(EventType.LEFT, 61)) == [CLEARED]


def test_loitering_of_strangers_only() -> None:
    """`people = ["unknown"]` excludes known people."""
    timeline = with_rules(rule("loiter", for_s=60, people=["unknown"]))
    timeline.at(0, event(EventType.RECOGNIZED, 0, "ada"))
    assert timeline.at(100) == []


def test_a_change_of_name_does_not_restart_the_time() -> None:
    """The same face is still there."""
    timeline = with_rules(rule("loiter", for_s=60))
    timeline.at(0, event(EventType.UNKNOWN, 0))
    timeline.at(50, event(EventType.CHANGED, 50, "ada"))
    assert timeline.at(60) == [RAISED]


def test_a_crowd_counts_known_people_and_strangers() -> None:
    """`count` counts faces, and the alert says how many."""
    timeline = with_rules(rule("count", at_least=5))
    assert timeline.at(0, count=4) == []
    (alert,) = timeline.alerts.update(moment(1), [], timeline.scene(count=6))
    assert (alert.state, alert.count) == (RAISED, 6)
    assert timeline.at(2, count=5) == []
    assert timeline.at(3, count=4) == [CLEARED]


def test_the_time_of_a_crowd_restarts_when_it_shrinks() -> None:
    """`for_s` of `count` allows no interruption."""
    timeline = with_rules(rule("count", at_least=2, for_s=10))
    assert [timeline.at(s, count=c) for s, c in ((0, 2), (9, 2), (9.5, 1), (10, 2), (19, 2))] == [[]] * 5
    assert timeline.at(20, count=2) == [RAISED]


def test_a_lost_camera_raises_an_alert_and_its_return_clears_it() -> None:
    """Somebody covered it, or it broke."""
    timeline = with_rules(rule("camera_lost", for_s=5))
    assert [timeline.at(s, camera=CameraState.LOST) for s in (0, 4)] == [[], []]
    assert timeline.at(5, camera=CameraState.LOST) == [RAISED]
    assert timeline.at(6) == [CLEARED]


def test_a_private_camera_is_not_lost() -> None:
    """Privacy mode is the owner's choice."""
    assert with_rules(rule("camera_lost")).at(0, camera=CameraState.PRIVATE) == []


def test_a_snoozed_rule_raises_nothing_until_the_snooze_ends() -> None:
    """A condition that still holds after the snooze is raised; an earlier alert is cleared as usual."""
    timeline = with_rules(rule("unknown"))
    quiet = frozenset({"r"})
    assert timeline.at(0, event(EventType.UNKNOWN, 0), snoozed=quiet) == []
    assert timeline.at(10) == [RAISED]
    assert timeline.at(11, event(EventType.LEFT, 11), snoozed=quiet) == [CLEARED]


def test_a_snooze_of_another_rule_changes_nothing() -> None:
    """Only the listed rules are snoozed."""
    assert with_rules(rule("unknown")).at(0, event(EventType.UNKNOWN, 0), snoozed=frozenset({"s"})) == [RAISED]


def test_hours_begin_and_end_while_somebody_is_in_view() -> None:
    """At 22:00 a stranger who came earlier raises an alert; at 06:00 it is cleared."""
    timeline = with_rules(rule("unknown", between=["22:00", "06:00"]))
    assert timeline.at(21 * 3600, event(EventType.UNKNOWN, 21 * 3600)) == []
    assert timeline.at(22 * 3600) == [RAISED]
    assert timeline.at(30 * 3600 - 1) == []
    assert timeline.at(30 * 3600) == [CLEARED]


def test_with_an_unsynchronized_clock_every_hour_counts() -> None:
    """A wrong clock must not suppress an alert; the instant says that it was not synchronized."""
    timeline = with_rules(rule("unknown", between=["22:00", "06:00"]))
    noon = moment(12 * 3600, synced=False)
    (alert,) = timeline.alerts.update(noon, timeline.apply(event(EventType.UNKNOWN, 12 * 3600)), timeline.scene())
    assert alert.at.synced is False


def test_a_step_of_the_wall_clock_ends_no_cool_down() -> None:
    """Durations are of monotonic time."""
    timeline = with_rules(rule("unknown", cool_down_s=300))
    timeline.at(0, event(EventType.UNKNOWN, 0))
    timeline.at(1, event(EventType.LEFT, 1))
    leapt = Instant(MIDNIGHT + timedelta(days=3), 2.0, synced=True)
    assert timeline.alerts.update(leapt, timeline.apply(event(EventType.UNKNOWN, 2, track=2)), timeline.scene()) == ()


def test_somebody_whose_return_was_not_reported_still_loiters() -> None:
    """The rules consider who is in view, not which events were reported."""
    timeline = with_rules(rule("loiter", for_s=60))
    timeline.in_view[7] = Presence(UNKNOWN, moment(0))
    assert timeline.at(59) == []
    assert timeline.at(60) == [RAISED]


def test_somebody_who_vanishes_without_an_event_clears_the_alert() -> None:
    """A person who was erased or is now ignored has no `left`."""
    timeline = with_rules(rule("recognized"))
    timeline.at(0, event(EventType.RECOGNIZED, 0, "ada"))
    timeline.in_view.clear()
    assert timeline.at(1) == [CLEARED]


def test_a_rule_of_the_weekend_is_cleared_when_sunday_is_over() -> None:
    """Somebody who is there all the time has one alert, from Saturday to the end of Sunday."""
    timeline = with_rules(rule("unknown", days=["sat", "sun"]))  # the timeline begins on a Thursday
    day = 24 * 3600
    assert timeline.at(day, event(EventType.UNKNOWN, day)) == []
    assert timeline.at(2 * day - 1) == []
    assert timeline.at(2 * day) == [RAISED]
    assert timeline.at(4 * day - 1) == []
    assert timeline.at(4 * day) == [CLEARED]


def test_with_an_unsynchronized_clock_every_day_counts() -> None:
    """The clock may name any day."""
    timeline = with_rules(rule("unknown", days=["sat"]))
    noon = moment(12 * 3600, synced=False)
    assert timeline.alerts.update(noon, timeline.apply(event(EventType.UNKNOWN, 12 * 3600)), timeline.scene())


def test_an_alert_about_a_person_who_is_erased_is_cleared_without_the_name() -> None:
    """The message would otherwise name them after the erasure."""
    timeline = with_rules(rule("recognized"))
    timeline.at(0, event(EventType.RECOGNIZED, 0, "ada"))
    timeline.alerts.forget("ada")
    timeline.in_view.clear()
    (alert,) = timeline.alerts.update(moment(1), (), timeline.scene())
    assert (alert.state, alert.person) == (CLEARED, None)


def test_an_alert_about_somebody_else_keeps_its_name() -> None:
    """Erasing Bob does not touch Ada."""
    timeline = with_rules(rule("recognized"))
    timeline.at(0, event(EventType.RECOGNIZED, 0, "ada"))
    timeline.alerts.forget("bob")
    timeline.in_view.clear()
    (alert,) = timeline.alerts.update(moment(1), (), timeline.scene())
    assert alert.person == "ada"


def test_a_camera_of_which_nothing_is_known_changes_nothing() -> None:
    """A camera that needs two seconds for its first frame raises no alert; an outage goes on over a start."""
    timeline = with_rules(rule("camera_lost", cool_down_s=0))
    assert [timeline.at(s, camera=None) for s in (0, 9)] == [[], []]
    assert timeline.at(10, camera=CameraState.LOST) == [RAISED]
    assert [timeline.at(s, camera=camera) for s, camera in ((11, None), (20, CameraState.LOST))] == [[], []]
    assert timeline.at(21) == [CLEARED]
    assert [timeline.at(s, camera=None) for s in (22, 100)] == [[], []]


def test_an_outage_that_is_over_in_privacy_mode_is_cleared() -> None:
    """Privacy mode does not end an outage, but frames do, though nobody looks at them."""
    timeline = with_rules(rule("camera_lost"))
    assert timeline.at(0, camera=CameraState.LOST) == [RAISED]
    assert timeline.at(1, camera=None) == []
    assert timeline.at(2, camera=CameraState.PRIVATE) == [CLEARED]
