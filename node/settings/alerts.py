"""The section `alerts`: the rules that raise an alert."""

from datetime import time
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from node.settings.section import ID_PATTERN, ConflictError, Section

_CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DAYS: tuple[Day, ...] = get_args(Day)


class RuleSettings(Section):
    """One alert rule."""

    id: Annotated[str, Field(pattern=rf"^{ID_PATTERN}$")]
    """Name of the rule, in the topic of its alerts."""
    when: Literal["unknown", "recognized", "loiter", "count", "camera_lost"]
    """What raises the alert: a stranger, a known person, a person who stays, the number in view, or a lost camera."""
    people: tuple[Annotated[str, Field(pattern=rf"^{ID_PATTERN}$")], ...] = ()
    """With `recognized` and `loiter`: the people it applies to, everybody if empty; `unknown` means strangers."""
    between: tuple[Annotated[str, Field(pattern=_CLOCK)], Annotated[str, Field(pattern=_CLOCK)]] | None = None
    """Hours in `node.timezone` during which the rule applies, such as ["22:00", "06:00"]; by default always."""
    days: tuple[Day, ...] = ()
    """Days on which the rule applies, such as ["sat", "sun"], by default all; a night counts to the day it begins."""
    cool_down_s: Annotated[float, Field(ge=0, le=86_400)] = 300.0
    """Minimum number of seconds between two alerts of this rule."""
    for_s: Annotated[float, Field(ge=0, le=86_400)] = 0.0
    """Seconds for which the condition must hold; required with `loiter`."""
    at_least: Annotated[int, Field(ge=1, le=100)] = 1
    """With `count`: minimum number of faces in view."""
    nobody_enrolled: bool = False
    """Raise alerts about strangers even while nobody is enrolled and so everybody is a stranger."""

    @property
    def hours(self) -> tuple[time, time] | None:
        """The hours during which the rule applies; None for always."""
        return None if self.between is None else (_clock(self.between[0]), _clock(self.between[1]))

    @property
    def weekdays(self) -> frozenset[int]:
        """The days on which the rule applies, Monday is 0; empty for every day."""
        return frozenset(_DAYS.index(day) for day in self.days)

    @model_validator(mode="after")
    def _keys_go_with_the_condition(self) -> Self:
        if self.when == "loiter" and self.for_s <= 0:
            message = "a loiter rule needs for_s, the seconds after which a person counts as loitering"
            raise ConflictError(message, "when", "for_s")
        if self.people and self.when not in {"recognized", "loiter"}:
            message = f"people can be used with recognized and loiter, not with {self.when}"
            raise ConflictError(message, "when", "people")
        return self


def _clock(text: str) -> time:
    return time.fromisoformat(text)


class AlertSettings(Section):
    """Rules that raise alerts."""

    rules: tuple[RuleSettings, ...] = ()
    """The rules, each a table `[[alerts.rules]]` of the settings file."""

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        ids = [rule.id for rule in self.rules]
        for rule_id in ids:
            if ids.count(rule_id) > 1:
                raise ConflictError(f"two rules have the id {rule_id!r}: give each rule its own id", "rules")
        return self
