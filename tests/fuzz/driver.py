"""Fuzz targets and a time -> how many inputs each had, their outcomes, and the first that violates an invariant.

python -m tests.fuzz.TARGET --seconds 60 [--seed N]
python -m tests.fuzz.TARGET --again .cache/fuzz/NAME-DIGEST.bin

An input that violates an invariant is kept and ends the run with exit code 1. One that kills the process, as a fault in
native code does, is in the file NAME.last.
"""

import argparse
import faulthandler
import hashlib
import logging
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

KEPT = Path(__file__).resolve().parents[2] / ".cache" / "fuzz"


@dataclass(frozen=True, slots=True)
class Target:
    """A fuzz target.

    Attributes:
        name: the target's name.
        make: returns an input.
        check: gives an input to the program and returns the outcome in a word, such as `refused`; raises if the
            input violates an invariant.
    """

    name: str
    make: Callable[[Random], bytes]
    check: Callable[[bytes], str]


Build = Callable[[Path], Sequence[Target]]
"""Return targets, which may use the given folder."""


class InvariantError(Exception):
    """An input violated an invariant of the program."""


@dataclass(slots=True)
class OutcomeCounts:
    """The outcomes of a target so far.

    Attributes:
        outcomes: how often each outcome occurred.
        slowest_s: the longest time of an input, in seconds.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0

    def line(self, name: str) -> str:
        """Return the counts as a line of text."""
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.outcomes.items()))
        return f"{name}: {self.outcomes.total()} inputs: {outcomes}; the slowest took {self.slowest_s * 1e3:.0f} ms"


def run_once(target: Target, random: Random, outcomes: OutcomeCounts, kept: Path = KEPT) -> None:
    """Give a target one input.

    Raises:
        InvariantError: the input violates an invariant; it is kept, and the error names its file.
    """
    content = target.make(random)
    kept.mkdir(parents=True, exist_ok=True)
    last = kept / f"{target.name}.last"
    last.write_bytes(content)
    began_s = time.monotonic()
    try:
        outcome = target.check(content)
    except Exception as error:
        aside = kept / f"{target.name}-{hashlib.sha256(content).hexdigest()[:8]}.bin"
        last.rename(aside)
        raise InvariantError(f"{target.name}: {type(error).__name__}: {error}: {aside}") from error
    outcomes.slowest_s = max(outcomes.slowest_s, time.monotonic() - began_s)
    outcomes.outcomes[outcome] += 1


def main(build: Build) -> int:
    """Run the targets in turn for a time, or one input again; return 0 if no invariant was violated."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0, help="total time (default: 60)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the inputs (default: 0)")
    parser.add_argument("--again", type=Path, metavar="FILE", help="run only this kept input")
    args = parser.parse_args()
    faulthandler.enable()
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="facenode-fuzz-") as folder:
        targets = build(Path(folder))
        if args.again:
            (target,) = (each for each in targets if args.again.name.startswith(each.name))
            print(f"{target.name}: {target.check(args.again.read_bytes())}")
            return 0
        _run(targets, args.seconds, Random(args.seed))
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(f"{args.seconds:.0f} s, seed {args.seed}, peak memory {memory_mb:.0f} MB: no invariant was violated")
    return 0


def _run(targets: Sequence[Target], seconds: float, random: Random) -> None:
    outcomes = {target.name: OutcomeCounts() for target in targets}
    share_s = seconds / len(targets)
    for target in targets:
        until_s = time.monotonic() + share_s
        while time.monotonic() < until_s:
            run_once(target, random, outcomes[target.name])
        print(outcomes[target.name].line(target.name), flush=True)
