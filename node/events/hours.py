"""The hours and days of an alert rule, and a moment -> whether the rule applies then."""

from datetime import time, tzinfo

from node.domain import Instant


def within(hours: tuple[time, time] | None, weekdays: frozenset[int], at: Instant, zone: tzinfo) -> bool:
    """Return whether a moment is within hours of local time, on certain days.

    The start is included and the end is not. An end before the start is past midnight, and the same start and end mean
    24 hours; what is past midnight belongs to the day before. Without hours a day is from midnight to midnight. Across
    a change to or from daylight-saving time the clock on the wall decides: an hour that it skips holds nothing, and one
    that it repeats holds twice.

    Args:
        hours: start and end; None: all day.
        weekdays: Monday is 0; empty: every day.
        at: the moment; one of a clock that is not synchronized is within.
        zone: the time zone of the hours and days.
    """
    if not at.synced or (hours is None and not weekdays):
        return True
    local = at.wall.astimezone(zone)
    start, end = hours or (time.min, time.min)
    now, begun = local.time(), local.time() >= start
    if not (start <= now < end if start < end else begun or now < end or start == end):
        return False
    day = local.weekday() if begun else (local.weekday() - 1) % 7
    return not weekdays or day in weekdays
