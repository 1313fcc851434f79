"""Steps of a program -> the time of each, and the ratios between them."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Step = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Rounds:
    """Times of each step in each round.

    A round is one run of every step. So whatever disturbs the machine affects all steps alike, and ratios are taken
    within a round.

    Attributes:
        times_ms: the time in each round, milliseconds, by the name of the step.
    """

    times_ms: Mapping[str, Sequence[float]]

    def p50_ms(self, step: str) -> float:
        """Return the median of a step, milliseconds."""
        return round(float(np.percentile(self.times_ms[step], 50)), 3)

    def p95_ms(self, step: str) -> float:
        """Return the 95th percentile of a step, milliseconds."""
        return round(float(np.percentile(self.times_ms[step], 95)), 3)

    def share(self, step: str, other: str) -> float:
        """Return the total time of a step divided by that of another."""
        return round(sum(self.times_ms[step]) / sum(self.times_ms[other]), 3)

    def ratio(self, steps: Sequence[str], others: Sequence[str]) -> float:
        """Return the median over the rounds of the time of some steps together divided by that of others together."""
        above, below = (np.sum([self.times_ms[name] for name in names], axis=0) for names in (steps, others))
        return round(float(np.median(above / below)), 5)


def time_in_rounds(steps: Mapping[str, Step], runs: int, warm_up: int = 0) -> Rounds:
    """Run every step once in each round; return the times, without those of the warm-up rounds."""
    times_ms: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(runs + warm_up):
        for name, step in steps.items():
            start_s = time.perf_counter()
            step()
            times_ms[name].append((time.perf_counter() - start_s) * 1e3)
    return Rounds({name: times[warm_up:] for name, times in times_ms.items()})
