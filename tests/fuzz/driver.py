"""Targets and seconds -> how many inputs each had, what became of them, and the first that breaks a promise.

python -m tests.fuzz.TARGET --seconds 60 [--seed N]
python -m tests.fuzz.TARGET --again .cache/fuzz/NAME-DIGEST.bin

An input that breaks a promise is kept, and ends the run with exit code 1. One that ends the process itself, as a fault
in native code does, is the file NAME.last.
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
    """What is fuzzed.

    Attributes:
        name: of the target.
        make: returns an input.
        check: gives an input to the program and returns in a word what became of it, such as `refused`; raises
            where the program does what it must never do.
    """

    name: str
    make: Callable[[Random], bytes]
    check: Callable[[bytes], str]


Build = Callable[[Path], Sequence[Target]]
"""Returns targets that may use a folder of their own."""


class InvariantError(Exception):
    """An input made the program do what it must never do."""


@dataclass(slots=True)
class OutcomeCounts:
    """What a target has seen.

    Attributes:
        outcomes: how often each outcome came.
        slowest_s: the longest that an input took, seconds.
    """

    outcomes: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0

    def line(self, name: str) -> str:
        """Return the outcomes in words."""
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.outcomes.items()))
        return f"{name}: {self.outcomes.total()} inputs: {outcomes}; the slowest took {self.slowest_s * 1e3:.0f} ms"


def drive(target: Target, random: Random, outcomes: OutcomeCounts, kept: Path = KEPT) -> None:
    """Give a target one input.

    Raises:
        InvariantError: it breaks a promise; the input is kept and named.
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
    """Run the targets in turn until the time is over, or one input again; 0 if every promise was kept."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0, help="how long (60)")
    parser.add_argument("--seed", type=int, default=0, help="another one makes other inputs (0)")
    parser.add_argument("--again", type=Path, metavar="FILE", help="only this input, which was kept")
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
    print(f"{args.seconds:.0f} s, seed {args.seed}, peak memory {memory_mb:.0f} MB: every promise was kept")
    return 0


def _run(targets: Sequence[Target], seconds: float, random: Random) -> None:
    outcomes = {target.name: OutcomeCounts() for target in targets}
    share_s = seconds / len(targets)
    for target in targets:
        until_s = time.monotonic() + share_s
        while time.monotonic() < until_s:
            drive(target, random, outcomes[target.name])
        print(outcomes[target.name].line(target.name), flush=True)
