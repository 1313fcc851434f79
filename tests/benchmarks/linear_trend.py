"""Measurements over time -> how fast they grow, and how certain that is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_HOUR_S = 3600.0
_LEAST = 3


@dataclass(frozen=True, slots=True)
class Trend:
    """A straight line fitted to measurements.

    Attributes:
        per_hour: the slope, in units of the measurements per hour.
        error: the slope's standard error; infinite if there are too few measurements.
    """

    per_hour: float
    error: float

    def exceeds(self, per_hour: float) -> bool:
        """Return whether the slope is greater than a value by more than two standard errors."""
        return self.per_hour - 2 * self.error > per_hour

    def below(self, per_hour: float) -> bool:
        """Return whether the slope is less than a value by more than two standard errors."""
        return self.per_hour + 2 * self.error < per_hour


def fit_trend(times_s: Sequence[float], values: Sequence[float]) -> Trend:
    """Return the slope by least squares, and its standard error.

    Consecutive memory measurements are correlated, so n of them hold less information than n independent ones. The
    error is that of n (1 - r) / (1 + r) measurements, where r is the correlation of neighboring residuals (Santer et
    al., Journal of Geophysical Research 105, 2000).

    Args:
        times_s: equidistant times in seconds.
        values: one measurement for each time.
    """
    hours = np.asarray(times_s, np.float64) / _HOUR_S
    hours -= hours.mean() if len(hours) else 0.0
    found = np.asarray(values, np.float64)
    spread = float(np.sum(hours**2))
    if len(found) < _LEAST or spread == 0:
        return Trend(0.0, float("inf"))
    slope = float(np.sum(hours * found) / spread)
    residuals = found - found.mean() - slope * hours
    left = float(np.sum(residuals**2))
    if left < 1e-12 * max(1.0, float(np.sum(found**2))):  # a perfect line: the rest is rounding
        return Trend(slope, 0.0)
    correlation = max(0.0, float(np.sum(residuals[1:] * residuals[:-1])) / left)
    independent = len(found) * (1 - correlation) / (1 + correlation)
    freedom = independent - 2
    return Trend(slope, float("inf") if freedom <= 0 else (left / freedom / spread) ** 0.5)
