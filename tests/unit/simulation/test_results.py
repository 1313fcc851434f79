"""The figures of a simulation, each computed by hand."""

import math

from node.simulation.recorder import EventRecord, Recorder
from node.simulation.results import (
    EventCounts,
    count_events,
    latencies,
    lost_events,
    peak_count,
    percentiles,
    recovery,
)
from node.simulation.subscriber import Arrivals


def recorded(*records: EventRecord) -> Recorder:
    """Return a recorder with these events."""
    recorder = Recorder()
    for record in records:
        recorder.record_event(record)
    return recorder


def test_percentiles_are_by_nearest_rank() -> None:
    """Of the milliseconds 1 to 200 the median is 100, the 95th percentile 190, the 99th 198."""
    values = percentiles(number / 1000 for number in range(200, 0, -1))
    assert values is not None
    assert [round(each) for each in (values.p50_ms, values.p95_ms, values.p99_ms, values.most_ms)] == [
        100,
        190,
        198,
        200,
    ]
    assert values.count == 200


def test_no_values_have_no_percentiles() -> None:
    """A run without events has no latency, not a latency of zero."""
    assert percentiles([]) is None


def test_one_value_is_every_percentile() -> None:
    """The nearest rank of a single value is that value."""
    values = percentiles([0.5])
    assert values is not None
    assert (values.p50_ms, values.p95_ms, values.p99_ms, values.most_ms, values.count) == (500, 500, 500, 500, 1)


def test_the_peak_second_may_begin_anywhere() -> None:
    """Five within a second count as five, also across the clock's full second; a whole second apart is outside."""
    assert peak_count([0.0, 5.8, 5.9, 6.0, 6.1, 6.7, 6.8]) == 5
    assert peak_count([]) == 0


def test_an_event_is_lost_if_acknowledged_but_never_received() -> None:
    """An event that the broker never acknowledged still waits: the broker broke no promise."""
    recorder = recorded(
        EventRecord(1, 1, 10, 10, acknowledged=True),
        EventRecord(1, 2, 10, 10, acknowledged=True),
        EventRecord(2, 1, 10, math.nan, acknowledged=False),
        EventRecord(2, 2, 10, 10, acknowledged=False),
    )
    recorder.rejected = 1
    arrivals = Arrivals(first_s={(1, 1): 11.0}, repeated=3, late=1)
    assert count_events(recorder, arrivals) == EventCounts(
        made=4, received=1, lost=1, waiting=1, rejected=1, repeated=3, late=1
    )
    assert lost_events(recorder, arrivals) == {(1, 2)}


def test_latencies_count_from_the_first_attempt_and_from_the_event() -> None:
    """An event that waited for a connection is late for its recipient, but not because of the broker."""
    recorder = recorded(
        EventRecord(1, 1, 10, 15, acknowledged=True), EventRecord(1, 2, 10, math.nan, acknowledged=False)
    )
    publish, event = latencies(recorder, Arrivals(first_s={(1, 1): 15.25}))
    assert publish is not None
    assert event is not None
    assert (publish.p50_ms, publish.count) == (250, 1)
    assert (event.p50_ms, event.count) == (5250, 1)


def test_recovery_ends_with_the_last_node() -> None:
    """A node that was disconnected before the storm counts, one that stayed connected does not; failed attempts do."""
    recorder = Recorder()
    recorder.accepted.extend((0, 1, 1.5, 1, 1, 1.5, 2, 1, 1.5, 3, 1, 1.5))
    recorder.lost.extend((3, 90.0))
    recorder.lost.extend((0, 100.0, 1, 100.1))
    recorder.attempts.extend((1, 1, 1, 1, 100.5, 100.9, 101.0, 103.0, 104, 110.0))
    recorder.accepted.extend((0, 103.0, 103.25, 1, 110.0, 110.5, 3, 104.0, 104.5))
    found = recovery(recorder, 100.0)
    assert (found.lost, found.missing, found.first_s, found.all_s) == (3, 0, 3.25, 10.5)
    assert (found.attempts_per_s, found.accepts_per_s) == (3, 1)
    assert found.connect is not None
    assert (found.connect.p50_ms, found.connect.count) == (500, 3)


def test_a_node_that_reconnects_just_before_the_storm_reaches_it_is_still_lost() -> None:
    """A command takes a moment to reach every worker: until then its nodes connect as before."""
    recorder = Recorder()
    recorder.lost.extend((0, 99.0, 0, 100.5))
    recorder.accepted.extend((0, 100.1, 100.2, 0, 106.0, 106.5))
    found = recovery(recorder, 100.0)
    assert (found.lost, found.missing, found.first_s, found.all_s) == (1, 0, 6.5, 6.5)


def test_a_node_that_does_not_reconnect_is_missing() -> None:
    """Then there is no time by which all have reconnected."""
    recorder = Recorder()
    recorder.lost.extend((0, 100.0, 1, 100.0))
    recorder.accepted.extend((0, 101.0, 101.5))
    found = recovery(recorder, 100.0)
    assert (found.lost, found.missing, found.first_s, found.all_s) == (2, 1, 1.5, None)


def test_the_records_of_all_workers_add_up() -> None:
    """Events, cuts and errors of each are in the sum."""
    one, other = (
        recorded(EventRecord(0, 1, 1, 1, acknowledged=True)),
        recorded(EventRecord(1, 1, 2, 2, acknowledged=False)),
    )
    for recorder in (one, other):
        recorder.count_error("no server is listening")
        recorder.cuts += 1
    one.merge(other)
    assert [record.node for record in one.event_records()] == [0, 1]
    assert (one.errors, one.cuts) == ({"no server is listening": 2}, 2)
