"""Steps of a program -> what each takes, and how much longer one takes than another."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Step = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Rounds:
    """What each step took in each round, milliseconds, by its name.

    A round is one run of every step, so what disturbs the machine meets all of them alike, and a ratio is taken within
    a round.
    """

    taken_ms: Mapping[str, Sequence[float]]

    def p50_ms(self, step: str) -> float:
        """Return the median of a step, milliseconds."""
        return round(float(np.percentile(self.taken_ms[step], 50)), 3)

    def p95_ms(self, step: str) -> float:
        """Return the 95th percentile of a step, milliseconds."""
        return round(float(np.percentile(self.taken_ms[step], 95)), 3)

    def share(self, step: str, other: str) -> float:
        """Return what a step took in all by what another took in all."""
        return round(sum(self.taken_ms[step]) / sum(self.taken_ms[other]), 3)

    def ratio(self, steps: Sequence[str], others: Sequence[str]) -> float:
        """Return the median over the rounds of what some steps took together by what others took together."""
        above, below = (np.sum([self.taken_ms[name] for name in names], axis=0) for names in (steps, others))
        return round(float(np.median(above / below)), 3)


def take_turns(steps: Mapping[str, Step], runs: int, warm_up: int = 0) -> Rounds:
    """Return what every step took in so many rounds, after as many as only warm up."""
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(runs + warm_up):
        for name, step in steps.items():
            start_s = time.perf_counter()
            step()
            taken[name].append((time.perf_counter() - start_s) * 1e3)
    return Rounds({name: times[warm_up:] for name, times in taken.items()})
