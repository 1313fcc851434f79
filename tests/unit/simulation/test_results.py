"""What is made of the notes of a simulation: each figure by hand."""

import math

from node.simulation.recorder import Diary, Entry
from node.simulation.results import Events, busiest, count, delays, missing, returned, spread
from node.simulation.subscriber import Heard


def diary(*entries: Entry) -> Diary:
    """Return a diary of these events."""
    notes = Diary()
    for entry in entries:
        notes.note(entry)
    return notes


def test_percentiles_are_by_the_nearest_rank() -> None:
    """Of the milliseconds 1 to 200 the median is 100, the 95th percentile 190, the 99th 198."""
    found = spread(number / 1000 for number in range(200, 0, -1))
    assert found is not None
    assert [round(each) for each in (found.p50_ms, found.p95_ms, found.p99_ms, found.most_ms)] == [100, 190, 198, 200]
    assert found.count == 200


def test_there_is_no_percentile_of_nothing() -> None:
    """A run without events has no latency, and not one of zero."""
    assert spread([]) is None


def test_one_value_is_every_percentile() -> None:
    """The nearest rank of a single value is that value."""
    found = spread([0.5])
    assert found is not None
    assert (found.p50_ms, found.p95_ms, found.p99_ms, found.most_ms, found.count) == (500, 500, 500, 500, 1)


def test_the_busiest_second_may_begin_anywhere() -> None:
    """Five within a second across the change of the clock's seconds count as five; a whole second apart is outside."""
    assert busiest([0.0, 5.8, 5.9, 6.0, 6.1, 6.7, 6.8]) == 5
    assert busiest([]) == 0


def test_lost_is_what_was_acknowledged_and_never_came() -> None:
    """What the broker never acknowledged still waits: no promise about it was broken."""
    notes = diary(
        Entry(1, 1, 10, 10, taken=True),
        Entry(1, 2, 10, 10, taken=True),
        Entry(2, 1, 10, math.nan, taken=False),
        Entry(2, 2, 10, 10, taken=False),
    )
    notes.rejected = 1
    heard = Heard(first_s={(1, 1): 11.0}, repeated=3, late=1)
    assert count(notes, heard) == Events(made=4, received=1, lost=1, waiting=1, rejected=1, repeated=3, late=1)
    assert missing(notes, heard) == {(1, 2)}


def test_delays_count_from_the_first_attempt_and_from_what_happened() -> None:
    """An event that waited for a connection was late for whoever waits for it, but not for the broker."""
    notes = diary(Entry(1, 1, 10, 15, taken=True), Entry(1, 2, 10, math.nan, taken=False))
    publish, event = delays(notes, Heard(first_s={(1, 1): 15.25}))
    assert publish is not None
    assert event is not None
    assert (publish.p50_ms, publish.count) == (250, 1)
    assert (event.p50_ms, event.count) == (5250, 1)


def test_all_are_back_when_the_last_one_is() -> None:
    """Who was away before the storm counts, who never lost the connection does not, and attempts that fail do."""
    notes = Diary()
    notes.accepted.extend((0, 1, 1.5, 1, 1, 1.5, 2, 1, 1.5, 3, 1, 1.5))
    notes.lost.extend((3, 90.0))
    notes.lost.extend((0, 100.0, 1, 100.1))
    notes.attempts.extend((1, 1, 1, 1, 100.5, 100.9, 101.0, 103.0, 104, 110.0))
    notes.accepted.extend((0, 103.0, 103.25, 1, 110.0, 110.5, 3, 104.0, 104.5))
    found = returned(notes, 100.0)
    assert (found.lost, found.missing, found.first_s, found.all_s) == (3, 0, 3.25, 10.5)
    assert (found.attempts_per_s, found.accepts_per_s) == (3, 1)
    assert found.connect is not None
    assert (found.connect.p50_ms, found.connect.count) == (500, 3)


def test_who_comes_back_just_before_the_storm_reaches_it_is_not_back_yet() -> None:
    """An order takes a moment to reach every process: until then its nodes connect as before."""
    notes = Diary()
    notes.lost.extend((0, 99.0, 0, 100.5))
    notes.accepted.extend((0, 100.1, 100.2, 0, 106.0, 106.5))
    found = returned(notes, 100.0)
    assert (found.lost, found.missing, found.first_s, found.all_s) == (1, 0, 6.5, 6.5)


def test_who_does_not_come_back_is_missing() -> None:
    """Then there is no time by which all are."""
    notes = Diary()
    notes.lost.extend((0, 100.0, 1, 100.0))
    notes.accepted.extend((0, 101.0, 101.5))
    found = returned(notes, 100.0)
    assert (found.lost, found.missing, found.first_s, found.all_s) == (2, 1, 1.5, None)


def test_the_notes_of_all_processes_are_one() -> None:
    """Events, connections and sentences add up."""
    one, other = diary(Entry(0, 1, 1, 1, taken=True)), diary(Entry(1, 1, 2, 2, taken=False))
    for notes in (one, other):
        notes.end("no server is listening")
        notes.cuts += 1
    one.add(other)
    assert [entry.node for entry in one.entries()] == [0, 1]
    assert (one.sentences, one.cuts) == ({"no server is listening": 2}, 2)
