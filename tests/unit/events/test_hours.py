"""Hours and days of local time: over midnight, over daylight-saving changes, over the turn of the week."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.domain import Instant
from node.events.hours import within

BERLIN = ZoneInfo("Europe/Berlin")
WEEKEND = frozenset({5, 6})
minutes = st.integers(0, 24 * 60 - 1).map(lambda number: time(number // 60, number % 60))


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
    """The start is included, the end is not."""
    span = None if hours is None else (time.fromisoformat(hours[0]), time.fromisoformat(hours[1]))
    now = datetime.combine(date(2026, 11, 26), time.fromisoformat(wall), tzinfo=UTC)
    assert within(span, frozenset(), Instant(now, 0.0, synced=True), UTC) is inside


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
def test_hours_follow_local_time_across_daylight_saving_changes(utc: str, inside: bool) -> None:  # noqa: FBT001 - a table
    """01:00 to 03:00 in Berlin, in nights with and without a clock change."""
    now = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert within((time(1), time(3)), frozenset(), Instant(now, 0.0, synced=True), BERLIN) is inside


@pytest.mark.parametrize(
    ("between", "local", "inside"),
    [
        (None, "2026-11-28T00:00", True),  # a Saturday
        (None, "2026-11-27T23:59", False),
        (None, "2026-11-29T23:59", True),  # Sunday
        (None, "2026-11-30T00:00", False),  # the week's turn
        (("22:00", "06:00"), "2026-11-28T05:59", False),  # of Friday's night
        (("22:00", "06:00"), "2026-11-28T22:00", True),
        (("22:00", "06:00"), "2026-11-30T05:59", True),  # Monday, but of Sunday's night
        (("22:00", "06:00"), "2026-11-30T06:00", False),
        (("22:00", "06:00"), "2026-11-30T22:00", False),
        (("08:00", "08:00"), "2026-11-28T07:59", False),  # 24 hours from Saturday 08:00 on
        (("08:00", "08:00"), "2026-11-30T07:59", True),
        (("08:00", "08:00"), "2026-11-30T08:00", False),
        (("09:00", "17:00"), "2026-11-27T12:00", False),
        (("09:00", "17:00"), "2026-11-28T12:00", True),
        (("22:00", "06:00"), "2026-03-29T01:59", True),  # of Saturday's night, to the spring ahead
        (("22:00", "06:00"), "2026-03-29T03:00", True),
        (("22:00", "06:00"), "2026-03-29T06:00", False),
        (("22:00", "06:00"), "2026-10-25T02:30", True),  # twice, in the autumn
        (("22:00", "06:00"), "2026-10-26T05:59", True),
        (("02:15", "02:45"), "2026-10-25T02:30", True),
    ],
)
@pytest.mark.parametrize("fold", [0, 1])
def test_hours_past_midnight_are_of_the_day_on_which_they_began(
    between: tuple[str, str] | None, local: str, fold: int, *, inside: bool
) -> None:
    """Saturday and Sunday, in Berlin."""
    hours = None if between is None else (time.fromisoformat(between[0]), time.fromisoformat(between[1]))
    now = datetime.fromisoformat(local).replace(tzinfo=BERLIN, fold=fold).astimezone(UTC)
    assert within(hours, WEEKEND, Instant(now, 0.0, synced=True), BERLIN) is inside


@given(
    st.none() | st.tuples(minutes, minutes),
    st.frozensets(st.integers(0, 6)),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001 - made aware below
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Africa/Cairo", "Australia/Lord_Howe"]),
)
def test_a_moment_is_within_if_the_hours_of_one_of_the_days_hold_it(
    hours: tuple[time, time] | None, days: frozenset[int], wall: datetime, zone: str
) -> None:
    """By writing down the hours of each day as the clock on the wall shows them; some zones change at midnight."""
    at = Instant(wall.replace(tzinfo=UTC), 0.0, synced=True)
    shown = at.wall.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    start, end = hours or (time(0), time(0))
    spans = [
        (datetime.combine(day, start), datetime.combine(day + timedelta(days=end <= start), end))
        for day in (shown.date() - timedelta(days=1), shown.date())
        if not days or day.weekday() in days
    ]
    assert within(hours, days, at, ZoneInfo(zone)) == any(begin <= shown < over for begin, over in spans)
