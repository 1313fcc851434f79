"""The visitors of a simulated node."""

import random
from datetime import timedelta

import pytest
from makers import START

from node.domain import Event, EventType, Instant
from node.simulation.visitors import Visitors


def events_of(seed: int, hours: float, events_per_hour: float) -> list[Event]:
    """Return the events of a node over some hours."""
    visitors = Visitors(random.Random(seed), events_per_hour)
    visitors.start(0.0)
    events: list[Event] = []
    while (next_s := visitors.next_s) < hours * 3600:
        events += visitors.advance(Instant(START + timedelta(seconds=next_s), next_s, synced=True))
    return events


@pytest.mark.parametrize(("events_per_hour", "hours"), [(20, 100), (600, 3)])
def test_the_rate_is_kept_on_average(events_per_hour: float, hours: float) -> None:
    """The events of ten nodes, within 5 %: above three standard errors of about 6,000 visits."""
    count = sum(len(events_of(seed, hours, events_per_hour)) for seed in range(10))
    assert count == pytest.approx(10 * hours * events_per_hour, rel=0.05)


def test_visitors_arrive_before_they_change_or_leave() -> None:
    """No real node publishes an event about a visitor who has not arrived or has already left."""
    in_view: set[int] = set()
    for event in events_of(1, 5, 600):
        if event.type in {EventType.RECOGNIZED, EventType.UNKNOWN}:
            assert event.track not in in_view
            in_view.add(event.track)
        else:
            assert event.track in in_view
        if event.type is EventType.LEFT:
            in_view.remove(event.track)
            assert event.seen_s is not None
            assert event.seen_s > 0


def test_events_come_in_bursts() -> None:
    """Some groups arrive within one tick: single events alone would be no load test."""
    moments = [event.at.mono_s for event in events_of(2, 5, 600)]
    assert max(moments.count(moment) for moment in set(moments)) >= 4


def test_the_same_seed_gives_the_same_events() -> None:
    """A run is reproducible."""
    assert events_of(3, 5, 600) == events_of(3, 5, 600)


def test_a_rate_of_zero_gives_no_events() -> None:
    """Such a fleet publishes only status, state and health."""
    assert events_of(4, 1000, 0) == []


def test_people_in_view_are_counted_and_named() -> None:
    """Strangers count, only known people are named, and nobody is in view after the end."""
    visitors = Visitors(random.Random(5), 600)
    visitors.start(0.0)
    seen = 0
    while visitors.next_s < 36_000:
        at = Instant(START, visitors.next_s, synced=True)
        visitors.advance(at)
        assert len(visitors.present) <= visitors.count
        seen += len(visitors.present)
    assert seen > 0
    visitors.stop()
    assert (visitors.count, visitors.next_s) == (0, float("inf"))
