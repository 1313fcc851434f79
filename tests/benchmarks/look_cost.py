"""What it costs to decide about a look by the normalized score instead of the cosine: time and memory, in one run.

    PYTHONPATH=. python tests/benchmarks/look_cost.py [--model FILE] [--runs N]

A frame of 640x480 pixels with one face is searched, the face is looked at and matched against twelve people with five
faces each, as a node does it while it has not decided yet. A round is one run of each step, and ratios are taken within
a round, so that other load on the machine affects all alike. Memory is that of a process of its own for each way.
"""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from procfs import sample

from node.assembly import Vision, build_scoring, build_vision
from node.clock import SystemClock
from node.commands.bench.stopwatch import time_in_rounds
from node.commands.bench.visit import portrait
from node.domain import Frame, Image, Instant
from node.events.engine import Engine
from node.events.tracker import Tracker
from node.people.matcher import GalleryMatcher
from node.people.person import Anchor, Person
from node.people.scoring import Scoring
from node.settings import Settings
from node.settings.loader import load
from node.system import malloc
from node.vision.sidecar import Sidecar

PEOPLE, FACES = 12, 5
MOST_SHARE = 0.02
"""Most that a frame may take longer, as a share of it."""
COSINE, COHORT = "the cosine", "the normalized score"
_FPS, _WARM_UP, _MEMORY_FRAMES = 10, 20, 100


def main() -> int:
    """Print the table; return 1 if a frame takes too much longer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="network file (default: the one that ships with the program)")
    parser.add_argument("--runs", type=int, default=300, help="number of rounds (default: 300)")
    parser.add_argument("--memory", choices=(COSINE, COHORT), help=argparse.SUPPRESS)
    args = parser.parse_args()
    settings = load(None, {"model": {"threads": 1} | ({"path": args.model} if args.model else {})}, {}, Path("/none"))
    vision = build_vision(settings, settings.publish.tasks)
    sidecar = vision.network.sidecar
    if args.memory:
        print(
            memory_mb(
                settings, vision, with_cosine(sidecar) if args.memory == COSINE else with_cohort(settings, sidecar)
            )
        )
        return 0
    scorings = {COSINE: with_cosine(sidecar), COHORT: with_cohort(settings, sidecar)}
    frames = {name: Line(settings, vision, scoring, portrait()) for name, scoring in scorings.items()}
    probe = unit_rows(1, sidecar.heads.embedding.length, 1)[0]
    steps = {f"a frame, {name} decides": line.step for name, line in frames.items()} | {
        f"the decision alone, {name}": (lambda matcher=line.matcher: matcher.match(probe, {}))
        for name, line in frames.items()
    }
    rounds = time_in_rounds(steps, args.runs, warm_up=_WARM_UP)
    cohort = scorings[COHORT].cohort
    assert cohort is not None
    print(f"cohort: {len(cohort.vectors)} embeddings of {cohort.vectors.shape[1]} numbers, {cohort.nearest} count")
    print("| step | median, ms | 95th percentile, ms |\n| --- | ---: | ---: |")
    for name in steps:
        print(f"| {name} | {rounds.p50_ms(name):.3f} | {rounds.p95_ms(name):.3f} |")
    before, after = (f"the decision alone, {name}" for name in (COSINE, COHORT))
    frame = f"a frame, {COSINE} decides"
    share = rounds.ratio((after,), (frame,)) - rounds.ratio((before,), (frame,))
    print("| figure | measured | at most |\n| --- | ---: | ---: |")
    print(f"| what the decision takes longer, share of a frame | {share:.2%} | {MOST_SHARE:.0%} |")
    slower = rounds.ratio((f"a frame, {COHORT} decides",), (frame,))
    print(f"| frame with the normalized score / with the cosine | {slower:.4f} | |")
    used_mb = {name: measured_mb(name, args.model) for name in scorings}
    for name, figure in used_mb.items():
        print(f"| memory after {_MEMORY_FRAMES} frames, {name}, MB | {figure:.1f} | |")
    print(f"| of that for the cohort, MB | {used_mb[COHORT] - used_mb[COSINE]:.1f} | |")
    return int(share > MOST_SHARE)


def with_cosine(sidecar: Sidecar) -> Scoring:
    """Return the scoring of version 0.1.0; the cohort is not read."""
    return Scoring.of(sidecar, None)


def with_cohort(settings: Settings, sidecar: Sidecar) -> Scoring:
    """Return the scoring of a node."""
    scoring = build_scoring(settings, sidecar)
    if scoring.cohort is None:
        raise SystemExit(f"{sidecar.name} has no cohort: there is nothing to compare")
    return scoring


class Line:
    """What a node does with a frame, from the search to the decision.

    Args:
        settings: of the node.
        vision: detector, recognizer and network.
        scoring: how a look is compared.
        image: the frame, always the same.

    Attributes:
        matcher: over twelve people with five faces each.
    """

    def __init__(self, settings: Settings, vision: Vision, scoring: Scoring, image: Image) -> None:
        self._vision, self._frame = vision, Frame(image)
        self.matcher = GalleryMatcher(people(scoring), scoring.head.space, 0.5, scoring.cohort)
        always = settings.events.model_copy(update={"recheck_s": 0.0})
        self._tracker, self._engine = Tracker(always), Engine(always, self.matcher, {})
        self._at: Instant = SystemClock().now()

    def step(self) -> None:
        """Process a frame."""
        self._tracker.update(self._at, self._vision.detector.detect(self._frame))
        self._tracker.assign(self._vision.recognizer.recognize(self._frame, self._tracker.due()))
        self._engine.update(self._at, self._tracker.tracks)
        self._at = replace(self._at, mono_s=self._at.mono_s + 1 / _FPS)


def people(scoring: Scoring) -> list[Person]:
    """Return twelve people with five faces each."""
    rows = unit_rows(PEOPLE * FACES, scoring.head.length, 0).reshape(PEOPLE, FACES, -1)
    return [
        Person(f"p{number}", "", tuple(Anchor(row, scoring.head.space, "photo") for row in own))
        for number, own in enumerate(rows)
    ]


def unit_rows(count: int, length: int, seed: int) -> npt.NDArray[np.float32]:
    """Return embeddings, shape (count, length), float32, unit length."""
    numbers = np.random.default_rng(seed).standard_normal((count, length)).astype(np.float32)
    rows: npt.NDArray[np.float32] = numbers / np.linalg.norm(numbers, axis=1, keepdims=True)
    return rows


def measured_mb(way: str, model: Path | None) -> float:
    """Return the memory of a process that decides in one way."""
    command = [sys.executable, __file__, "--memory", way, *(["--model", str(model)] if model else [])]
    return float(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def memory_mb(settings: Settings, vision: Vision, scoring: Scoring) -> float:
    """Return the memory of this process after some frames."""
    malloc.keep_freed_memory()
    line = Line(settings, vision, scoring, portrait())
    for _ in range(_MEMORY_FRAMES):
        line.step()
    return sample(os.getpid()).own_mb


if __name__ == "__main__":
    raise SystemExit(main())
