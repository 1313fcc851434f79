"""Events and the scene -> alerts by the owner's rules: each raised once, and cleared when it is over. Pure.

A rule has a condition that holds or not at every tick. An alert is raised at the first tick at which

- the condition has held for `for_s`,
- the local time is within `between` on one of `days` (an unsynchronized clock counts as within, and the alert says so),
- `cool_down_s` have passed since the rule was last raised, and it is not snoozed;

and cleared at the first tick at which the condition no longer holds or the hours are over. Durations are of monotonic
time. A restart changes nothing: what a rule has come to is taken over (`node.events.durations`). An alert whose rule is
gone, or is of another kind now, is cleared at the first tick.

A condition about visitors has held since the first of them came. One about the whole scene (`count`, `camera_lost`)
keeps its own beginning. After a restart, whoever is expected again, and a crowd until the scene has settled, keep an
alert raised, but raise none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, time, tzinfo
from typing import Literal, Protocol

from node.domain import UNKNOWN, Alert, AlertState, CameraState, Event, EventType, Instant, Presence
from node.events.durations import RuleRecord
from node.events.hours import within

When = Literal["unknown", "recognized", "loiter", "count", "camera_lost"]


class Rule(Protocol):
    """One of `alerts.rules` of the settings."""

    @property
    def id(self) -> str:
        """Id of the rule, part of its topic."""

    @property
    def when(self) -> When:
        """The kind of condition."""

    @property
    def people(self) -> Sequence[str]:
        """Ids of the people it concerns, everybody if empty; `unknown` stands for strangers."""

    @property
    def hours(self) -> tuple[time, time] | None:
        """Start and end of the hours in which it holds, local time; past midnight if the end is before the start."""

    @property
    def weekdays(self) -> frozenset[int]:
        """Days on which it holds, Monday is 0, every day if empty; hours past midnight are of the day they began on."""

    @property
    def cool_down_s(self) -> float:
        """Least seconds between two raised alerts."""

    @property
    def for_s(self) -> float:
        """Seconds for which the condition must hold."""

    @property
    def at_least(self) -> int:
        """Faces in view that `count` requires."""

    @property
    def nobody_enrolled(self) -> bool:
        """Whether strangers count before anybody is enrolled."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What the rules consider besides events.

    Attributes:
        count: faces in view.
        visitors: everybody in view who was decided upon, strangers included.
        expected: whoever was in view before a restart and may still be found again. They raise and clear nothing.
        camera: state of the camera; None while nothing tells whether an outage is on, as after a start: whatever was
            so then stays so.
        enrolled: whether anybody is enrolled.
        snoozed: ids of the rules that raise no alert now.
        settled: whether the first seconds after a restart are over: until then a crowd may be found again.
    """

    count: int
    visitors: Sequence[Presence]
    camera: CameraState | None
    enrolled: bool
    snoozed: frozenset[str] = frozenset()
    expected: Sequence[Presence] = ()
    settled: bool = True


@dataclass(slots=True, eq=False)
class _RuleState:
    """The state of one rule."""

    rule: Rule
    held_since: Instant | None = None
    raised: Instant | None = None
    person: str | None = None
    active: bool = False
    unproven: bool = False
    """Whether the condition held before a restart, and was not met since."""

    def cleared(self, at: Instant) -> Alert | None:
        """Return the alert that is cleared, if it was raised."""
        if not self.active or self.raised is None:
            return None
        self.active = False
        return _cleared(self.rule.id, self.raised, self.person, at)

    def cooling(self, at: Instant) -> bool:
        """Return whether the rule may not be raised yet."""
        return self.raised is not None and at.mono_s - self.raised.mono_s < self.rule.cool_down_s

    def record(self, at: Instant) -> RuleRecord | None:
        """Return what a restart must not lose, if anything."""
        held_since = self.held_since if self.rule.for_s or self.active else None
        if not self.active and not self.cooling(at) and held_since is None:
            return None
        person = self.person if self.active else None
        return RuleRecord(self.rule.id, self.rule.when, self.active, self.raised, held_since, person)


@dataclass(frozen=True, slots=True)
class _Cause:
    """Why a condition holds: since when, because of whom, and whether that was seen since the start."""

    since: Instant
    person: str | None = None
    proven: bool = True


class Alerts:
    """Evaluates the owner's rules.

    Args:
        rules: in the order of their alerts within a tick.
        zone: time zone of the hours.
        records: what the rules had come to before a restart, in the time of this start.
    """

    def __init__(self, rules: Sequence[Rule], zone: tzinfo = UTC, records: Sequence[RuleRecord] = ()) -> None:
        kept = {(record.rule, record.when): record for record in records}
        self._states = [_resume(rule, kept.pop((rule.id, rule.when), None)) for rule in rules]
        self._orphans = [record for record in kept.values() if record.active]
        self._zone = zone

    def update(self, at: Instant, events: Sequence[Event], scene: Scene) -> tuple[Alert, ...]:
        """Return the alerts that are raised and cleared in this tick."""
        orphans, self._orphans = self._orphans, []
        alerts: list[Alert | None] = [
            _cleared(each.rule, each.raised, each.person, at) for each in orphans if each.raised
        ]
        alerts += [self._evaluate(state, at, events, scene) for state in self._states]
        return tuple(alert for alert in alerts if alert is not None)

    def records(self, at: Instant) -> tuple[RuleRecord, ...]:
        """Return what a restart must not lose: alerts that are raised, cool-downs, and since when a condition holds."""
        records = (state.record(at) for state in self._states)
        return tuple(record for record in records if record is not None)

    def forget(self, person: str) -> None:
        """Drop the name of a person who was erased: an alert about them is cleared without it."""
        for state in self._states:
            if state.person == person:
                state.person = None
        self._orphans = [replace(each, person=None) if each.person == person else each for each in self._orphans]

    def _evaluate(self, state: _RuleState, at: Instant, events: Sequence[Event], scene: Scene) -> Alert | None:
        rule = state.rule
        cause = self._cause(state, at, scene)
        if cause is None or not within(rule.hours, rule.weekdays, at, self._zone):
            return state.cleared(at)
        if state.active or not cause.proven or rule.id in scene.snoozed:
            return None
        if at.mono_s - cause.since.mono_s < rule.for_s or state.cooling(at):
            return None
        person = None if cause.person == UNKNOWN else cause.person
        state.active, state.raised, state.person = True, at, person
        return Alert(
            rule=rule.id,
            state=AlertState.RAISED,
            at=at,
            event=_event_about(events, cause.person),
            person=person,
            count=scene.count if rule.when == "count" else None,
            for_s=at.mono_s - cause.since.mono_s if rule.for_s else None,
        )

    def _cause(self, state: _RuleState, at: Instant, scene: Scene) -> _Cause | None:
        """Return why the condition of the rule holds; None if it does not."""
        rule = state.rule
        if rule.when == "camera_lost" and scene.camera is None:
            since = state.held_since or (state.raised if state.active else None)
            return None if since is None else _Cause(since, proven=False)
        if rule.when in {"count", "camera_lost"}:
            holds = scene.count >= rule.at_least if rule.when == "count" else scene.camera is CameraState.LOST
            state.unproven = state.unproven and not holds and not scene.settled
            state.held_since = (state.held_since or at) if holds or state.unproven else None
            return None if state.held_since is None else _Cause(state.held_since, proven=holds)
        for visitors in (scene.visitors, scene.expected):
            concerned = [visitor for visitor in visitors if _applies_to(rule, visitor.person, scene)]
            if concerned:
                first = min(concerned, key=lambda visitor: visitor.since.mono_s)
                return _Cause(first.since, first.person, proven=visitors is scene.visitors)
        return None


def _cleared(rule: str, raised: Instant, person: str | None, at: Instant) -> Alert:
    return Alert(rule, AlertState.CLEARED, at, person=person, for_s=at.mono_s - raised.mono_s)


def _resume(rule: Rule, record: RuleRecord | None) -> _RuleState:
    """Return the state of a rule, with what it had come to before a restart."""
    if record is None:
        return _RuleState(rule)
    unproven = rule.when == "count" and record.held_since is not None
    return _RuleState(rule, record.held_since, record.raised, record.person, record.active, unproven)


def _applies_to(rule: Rule, person: str, scene: Scene) -> bool:
    """Return whether a rule concerns a person or a stranger."""
    stranger = person == UNKNOWN
    if stranger and not scene.enrolled and not rule.nobody_enrolled:
        return False
    if rule.when == "unknown":
        return stranger
    if rule.when == "recognized":
        return not stranger and (not rule.people or person in rule.people)
    return not rule.people or person in rule.people


def _event_about(events: Sequence[Event], person: str | None) -> Event | None:
    """Return the event of this tick about somebody, other than their leaving; None if there is none."""
    for event in events:
        named = event.person.person if event.person else UNKNOWN
        if event.type is not EventType.LEFT and person == named:
            return event
    return None
