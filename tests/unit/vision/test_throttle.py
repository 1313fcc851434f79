"""Throttle: a hot processor gets every other frame, until it has cooled down well below the limit."""

import itertools
import logging
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from makers import instant

from node.vision.throttle import Throttle

MAX_C, COOL_C = 80.0, 75.0


def skipped(temperatures: Iterable[float | None]) -> list[bool]:
    """Return which frames are skipped, with two frames per reading and a reading every two seconds."""
    readings = iter(temperatures)
    throttle = Throttle(MAX_C, lambda: next(readings))
    left_out = []
    second = 0.0
    for _ in temperatures:
        left_out += [throttle.skips(instant(second)), throttle.skips(instant(second + 0.1))]
        second += 2.0
    return left_out


def test_every_other_frame_is_skipped_above_the_limit() -> None:
    """At the limit itself no frame is skipped."""
    assert skipped([60, 80, 80.1]) == [False, False, False, False, True, False]


def test_throttling_ends_five_degrees_below_the_limit() -> None:
    """In between, the state does not change."""
    assert skipped([78, 81, 78, 75, 74.9, 78]) == [False] * 2 + [True, False] * 3 + [False] * 4


def test_without_a_reading_the_state_does_not_change() -> None:
    """A board without a sensor is never hot."""
    assert skipped([None, 81, None]) == [False, False, True, False, True, False]


@given(st.lists(st.one_of(st.none(), st.floats(20, 110)), min_size=1, max_size=50))
def test_the_state_changes_only_at_its_limits(temperatures: list[float | None]) -> None:
    """Whatever the readings: never two frames in a row are skipped, and none before the limit is exceeded."""
    left_out = skipped(temperatures)
    assert not any(first and second for first, second in itertools.pairwise(left_out))
    hot = False
    for number, cpu_c in enumerate(temperatures):
        hot = (hot or cpu_c > MAX_C) and not cpu_c < COOL_C if cpu_c is not None else hot
        assert any(left_out[2 * number : 2 * number + 2]) == hot


def test_each_change_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """A warning when it begins, and a line when it ends."""
    with caplog.at_level(logging.INFO):
        skipped([60, 82, 90, 79, 76, 74, 60])
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        (
            "WARNING",
            "the processor is at 82 °C, above health.max_cpu_c: skipping every other frame until it is below 75 °C",
        ),
        ("INFO", "the processor has cooled down to 74 °C: processing every frame again"),
    ]
