"""Who comes by a simulated node."""

import random
from datetime import timedelta

import pytest
from makers import START

from node.domain import Event, EventType, Instant
from node.simulation.visitors import Visitors


def lived(seed: int, hours: float, events_per_hour: float) -> list[Event]:
    """Return all events of a node over some hours."""
    visitors = Visitors(random.Random(seed), events_per_hour)
    visitors.open(0.0)
    happened: list[Event] = []
    while (next_s := visitors.next_s) < hours * 3600:
        happened += visitors.happen(Instant(START + timedelta(seconds=next_s), next_s, synced=True))
    return happened


@pytest.mark.parametrize(("events_per_hour", "hours"), [(20, 100), (600, 3)])
def test_the_rate_is_kept_on_average(events_per_hour: float, hours: float) -> None:
    """Of ten nodes within 5 %: three standard errors of so many visits, about 6,000, are below that."""
    events = sum(len(lived(seed, hours, events_per_hour)) for seed in range(10))
    assert events == pytest.approx(10 * hours * events_per_hour, rel=0.05)


def test_everybody_comes_before_they_change_and_leave() -> None:
    """An event about somebody who has not come, or has left, is one that no real node sends."""
    here: set[int] = set()
    for event in lived(1, 5, 600):
        if event.type in {EventType.RECOGNIZED, EventType.UNKNOWN}:
            assert event.track not in here
            here.add(event.track)
        else:
            assert event.track in here
        if event.type is EventType.LEFT:
            here.remove(event.track)
            assert event.seen_s is not None
            assert event.seen_s > 0


def test_events_come_in_bursts() -> None:
    """Some parties arrive within one tick: a broker that only ever saw single events was not tried."""
    moments = [event.at.mono_s for event in lived(2, 5, 600)]
    assert max(moments.count(moment) for moment in set(moments)) >= 4


def test_the_same_seed_lives_the_same_life() -> None:
    """A run can be repeated."""
    assert lived(3, 5, 600) == lived(3, 5, 600)


def test_nobody_comes_where_nobody_is_expected() -> None:
    """A rate of zero is a fleet that only says that it is there."""
    assert lived(4, 1000, 0) == []


def test_who_is_in_view_is_counted_and_named() -> None:
    """Strangers count, and only known people are named; at the end nobody is left in view."""
    visitors = Visitors(random.Random(5), 600)
    visitors.open(0.0)
    seen = 0
    while visitors.next_s < 36_000:
        at = Instant(START, visitors.next_s, synced=True)
        visitors.happen(at)
        assert len(visitors.present) <= visitors.count
        seen += len(visitors.present)
    assert seen > 0
    visitors.close()
    assert (visitors.count, visitors.next_s) == (0, float("inf"))
