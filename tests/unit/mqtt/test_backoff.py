"""How long a node waits before the next connection attempt."""

import random

import pytest

from node.mqtt import reason_codes
from node.mqtt.backoff import Backoff, Timing
from node.simulation.results import peak_count


def test_pauses_grow_and_are_spread() -> None:
    """The nodes of a broker that restarts must not all return in the same moment."""
    timing = Timing(first_s=1, max_s=30)
    assert [timing.pause(failed, 1.0) for failed in (1, 2, 3, 10, 10_000)] == [1, 1.5, 2.25, 30, 30]
    assert [timing.pause(failed, 0.0) for failed in (1, 2, 3, 10)] == pytest.approx([0.3, 0.45, 0.675, 9])


def test_a_fleet_does_not_return_in_one_second() -> None:
    """Of 2,000 nodes that lose a broker at once, about half attempt a connection in the same second (seeded)."""
    chance = random.Random(1)
    first_s = [Timing().pause(1, chance.random()) for _ in range(2000)]
    assert peak_count(first_s) < 1100


def test_a_stable_connection_restarts_the_count() -> None:
    """A connection that ends at once is a failed attempt: nodes do not flood a broker that closes every connection."""
    backoff = Backoff(Timing(first_s=1, stable_s=10), lambda: 1.0)
    assert [backoff.pause_s(lasted_s) for lasted_s in (0, 0, 9.9, 10, 0)] == [1, 1.5, 2.25, 1, 1.5]


def test_a_client_that_is_taken_over_backs_off() -> None:
    """Otherwise two nodes with one id would disconnect each other forever at the same rate."""
    backoff = Backoff(Timing(first_s=1), lambda: 1.0)
    assert [backoff.pause_s(3600, reason_codes.TAKEN_OVER) for _ in range(3)] == [1, 1.5, 2.25]
