"""Events and the scene -> alerts by the owner's rules: each raised once, and cleared when it is over. Pure.

A rule has a condition that holds or not at every tick. An alert is raised at the first tick at which

- the condition has held for `for_s`,
- the local time is within `between` (an unsynchronized clock counts as within, and the alert says so),
- `cool_down_s` have passed since the rule was last raised, and it is not snoozed;

and cleared at the first tick at which the condition no longer holds or the hours are over. Durations are of monotonic
time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, tzinfo
from typing import Literal, Protocol

from node.domain import UNKNOWN, Alert, AlertState, CameraState, Event, EventType, Instant, Presence

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
        camera: state of the camera; None while nothing tells whether an outage is on, as after a start: whatever was
            so then stays so.
        enrolled: whether anybody is enrolled.
        snoozed: ids of the rules that raise no alert now.
    """

    count: int
    visitors: Sequence[Presence]
    camera: CameraState | None
    enrolled: bool
    snoozed: frozenset[str] = frozenset()


@dataclass(slots=True, eq=False)
class _RuleState:
    """The state of one rule."""

    rule: Rule
    held_since: Instant | None = None
    raised: Instant | None = None
    person: str | None = None
    active: bool = False


@dataclass(frozen=True, slots=True)
class _Cause:
    """Why a condition holds: since when, and because of whom."""

    since: Instant
    person: str | None = None


class Alerts:
    """Evaluates the owner's rules.

    Args:
        rules: in the order of their alerts within a tick.
        zone: time zone of the hours.
    """

    def __init__(self, rules: Sequence[Rule], zone: tzinfo = UTC) -> None:
        self._states = [_RuleState(rule) for rule in rules]
        self._zone = zone

    def update(self, at: Instant, events: Sequence[Event], scene: Scene) -> tuple[Alert, ...]:
        """Return the alerts that are raised and cleared in this tick."""
        alerts = (self._evaluate(state, at, events, scene) for state in self._states)
        return tuple(alert for alert in alerts if alert is not None)

    def forget(self, person: str) -> None:
        """Drop the name of a person who was erased: an alert about them is cleared without it."""
        for state in self._states:
            if state.person == person:
                state.person = None

    def _evaluate(self, state: _RuleState, at: Instant, events: Sequence[Event], scene: Scene) -> Alert | None:
        rule = state.rule
        cause = self._cause(state, at, scene)
        if cause is None or not within(rule.hours, at, self._zone):
            return self._clear(state, at)
        if state.active or rule.id in scene.snoozed or at.mono_s - cause.since.mono_s < rule.for_s:
            return None
        if state.raised is not None and at.mono_s - state.raised.mono_s < rule.cool_down_s:
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

    def _clear(self, state: _RuleState, at: Instant) -> Alert | None:
        if not state.active or state.raised is None:
            return None
        state.active = False
        lasted_s = at.mono_s - state.raised.mono_s
        return Alert(state.rule.id, AlertState.CLEARED, at, person=state.person, for_s=lasted_s)

    def _cause(self, state: _RuleState, at: Instant, scene: Scene) -> _Cause | None:
        """Return why the condition of the rule holds; None if it does not."""
        rule = state.rule
        if rule.when == "camera_lost" and scene.camera is None:
            return None if state.held_since is None else _Cause(state.held_since)
        if rule.when in {"count", "camera_lost"}:
            holds = scene.count >= rule.at_least if rule.when == "count" else scene.camera is CameraState.LOST
            state.held_since = (state.held_since or at) if holds else None
            return None if state.held_since is None else _Cause(state.held_since)
        concerned = [visitor for visitor in scene.visitors if _applies_to(rule, visitor.person, scene)]
        if not concerned:
            return None
        first = min(concerned, key=lambda visitor: visitor.since.mono_s)
        return _Cause(first.since, first.person)


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


def within(hours: tuple[time, time] | None, at: Instant, zone: tzinfo) -> bool:
    """Return whether a moment is within hours of local time; an end before the start is past midnight.

    The start is included and the end is not; the same start and end mean the whole day. Across a change to or from
    daylight-saving time the clock on the wall decides.
    """
    if hours is None or not at.synced:
        return True
    start, end = hours
    now = _local(at.wall, zone)
    if start == end:
        return True
    return start <= now < end if start < end else now >= start or now < end


def _local(wall: datetime, zone: tzinfo) -> time:
    return wall.astimezone(zone).time()
