"""The slope of measurements over time, and its standard error."""

import numpy as np
import pytest
from linear_trend import fit_trend

TIMES_S = np.arange(0, 3600, 5.0)


def test_a_leak_exceeds_its_limit() -> None:
    """For 3 MB an hour with 0.5 MB of noise the slope is within 0.3 and certainly above 1."""
    noise = np.random.default_rng(0).normal(0, 0.5, len(TIMES_S))
    found = fit_trend(TIMES_S.tolist(), (100 + 3 * TIMES_S / 3600 + noise).tolist())
    assert found.per_hour == pytest.approx(3, abs=0.3)
    assert found.exceeds(1)


def test_noise_is_no_leak() -> None:
    """For noise alone the slope is certainly below 1 MB an hour."""
    noise = np.random.default_rng(1).normal(0, 0.5, len(TIMES_S))
    found = fit_trend(TIMES_S.tolist(), (100 + noise).tolist())
    assert not found.exceeds(1)
    assert found.below(1)


def test_few_measurements_decide_nothing() -> None:
    """A few minutes of wandering memory are neither a leak nor none."""
    walk = np.cumsum(np.random.default_rng(2).normal(0, 0.2, 24))
    found = fit_trend(TIMES_S[:24].tolist(), walk.tolist())
    assert not found.exceeds(1)
    assert not found.below(1)


def test_correlated_measurements_have_a_greater_error() -> None:
    """The same scatter has a greater error if neighbors are correlated."""
    steps = np.random.default_rng(3).normal(0, 0.5, len(TIMES_S) // 12)
    slow = fit_trend(TIMES_S.tolist(), np.repeat(steps, 12).tolist())
    fast = fit_trend(TIMES_S.tolist(), np.random.default_rng(4).permutation(np.repeat(steps, 12)).tolist())
    assert slow.error > 2 * fast.error


@pytest.mark.parametrize("count", [0, 1, 2])
def test_two_measurements_have_an_infinite_error(count: int) -> None:
    """Two points are always on a line."""
    assert fit_trend(TIMES_S[:count].tolist(), [1.0] * count).error == float("inf")


def test_a_straight_line_has_no_error() -> None:
    """The slope of a straight line is exact within rounding."""
    found = fit_trend(TIMES_S.tolist(), (7 * TIMES_S / 3600).tolist())
    assert found.per_hour == pytest.approx(7)
    assert found.error == 0
