"""How long a node waits before it tries again."""

import random

import pytest

from node.mqtt import reason_codes
from node.mqtt.backoff import Backoff, Pace
from node.simulation.results import peak_count


def test_pauses_grow_and_are_spread() -> None:
    """All nodes of a broker that restarts must not come back in the same moment."""
    pace = Pace(first_s=1, most_s=30)
    assert [pace.pause(failed, 1.0) for failed in (1, 2, 3, 10, 10_000)] == [1, 1.5, 2.25, 30, 30]
    assert [pace.pause(failed, 0.0) for failed in (1, 2, 3, 10)] == pytest.approx([0.3, 0.45, 0.675, 9])


def test_a_fleet_does_not_come_back_in_one_second() -> None:
    """Of 2,000 nodes that lose a broker at once, about half attempt a connection in the same second (seeded)."""
    chance = random.Random(1)
    first_s = [Pace().pause(1, chance.random()) for _ in range(2000)]
    assert peak_count(first_s) < 1100


def test_a_connection_that_lasted_begins_the_count_anew() -> None:
    """One that ended at once is one more failed attempt: a broker that throws everybody out is not stormed."""
    backoff = Backoff(Pace(first_s=1, steady_s=10), lambda: 1.0)
    assert [backoff.pause_s(lasted_s) for lasted_s in (0, 0, 9.9, 10, 0)] == [1, 1.5, 2.25, 1, 1.5]


def test_who_is_taken_over_gives_way() -> None:
    """Two nodes of one id would else throw each other out for ever at the same pace."""
    backoff = Backoff(Pace(first_s=1), lambda: 1.0)
    assert [backoff.pause_s(3600, reason_codes.TAKEN_OVER) for _ in range(3)] == [1, 1.5, 2.25]
