"""This machine -> its figures: milliseconds of each step, memory, and what the program adds to the bare calls."""

import argparse
import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import cv2

from node.assembly import Vision, build_vision
from node.clock import SystemClock
from node.commands.bench.stopwatch import Step, take_turns
from node.commands.bench.visit import SIZE, Visit, group, portrait
from node.domain import Frame, Track
from node.errors import SettingsError
from node.settings import Settings
from node.vision.motion import Motion
from node.vision.tflite import Network

_BARE = ("bare detector", "bare network")
_TARGETS = {"whole frame / bare calls": 1.10, "four people / one": 1.5}
"""Greatest ratios that the program is held to."""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `bench` to the command line."""
    parser = subparsers.add_parser("bench", parents=[common])
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--runs", type=int, default=100, help="runs of each step (100)")
    parser.add_argument(
        "--networks",
        type=int,
        default=1,
        help="networks that a face goes through (1); 3 is what it costs to have one for each task",
    )
    parser.set_defaults(main=main)


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Print median and 95th percentile of each step on a 640x480 frame with one face, and the ratios that matter."""
    cv2.setNumThreads(settings.model.threads)  # so that the figures are of so many threads, not of some
    eyes = build_vision(settings, settings.publish.tasks)
    others = [build_vision(settings, ()).network for _ in range(args.networks - 1)]
    figures = measure(settings, eyes, max(1, args.runs), others)
    head = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "network": f"{eyes.network.sidecar.name} {eyes.network.sidecar.version}"
        + (f", {len(others) + 1} of them" if others else ""),
        "runtime": f"{eyes.network.runtime}, {settings.model.threads} threads",
        "frame": f"{SIZE[1]}x{SIZE[0]}, faces searched at {settings.detector.width}",
    }
    if args.json:
        print(json.dumps(head | figures))
        return 0
    for name, value in head.items():
        print(f"{name:<10}{value}")
    print(f"\n{'step':<28}{'median ms':>10}{'p95 ms':>10}")
    for step, times in figures["steps"].items():
        print(f"{step:<28}{times['p50_ms']:>10.2f}{times['p95_ms']:>10.2f}")
    print(f"\n{'ratio':<34}{'measured':>10}{'at most':>10}")
    for name, ratio in figures["ratios"].items():
        target = f"{_TARGETS[name]:.2f}" if name in _TARGETS else ""
        print(f"{name:<34}{ratio:>10.2f}{target:>10}")
    print(f"\npeak memory: {figures['peak_mb']:.0f} MB")
    return 0


def measure(settings: Settings, eyes: Vision, runs: int, others: Sequence[Network] = ()) -> dict[str, Any]:
    """Return the times of each step, the ratios that matter, and the peak memory.

    The bare calls are the detector on a picture already of its size and colour order, and the interpreter on an input
    it already holds. Four people are set beside one over a visit of a tenth of a second a run, in which a node looks
    at faces as often as it needs to, and over the frames before it has decided, in which it looks at all of them.

    Args:
        settings: of the node.
        eyes: detector and network.
        runs: of each step.
        others: networks that each face goes through besides.

    Raises:
        SettingsError: the detector finds no face.
    """
    rounds = take_turns(_steps(eyes, others), runs, warm_up=runs // 5 + 1)
    undecided = settings.events.unknown_votes
    return {
        "steps": {name: {"p50_ms": rounds.p50_ms(name), "p95_ms": rounds.p95_ms(name)} for name in rounds.taken_ms},
        "ratios": {
            "whole frame / bare calls": rounds.ratio(("whole frame",), _BARE),
            "motion gate / whole frame": rounds.ratio(("motion gate",), ("whole frame",)),
            "four people / one": _crowd(settings, eyes, runs),
            "four / one, until decided": median(_crowd(settings, eyes, undecided) for _ in range(runs // 10 + 1)),
        },
        "peak_mb": _peak_mb(),
    }


def _peak_mb() -> float:
    """Return the greatest memory of this process, megabytes; getrusage's is that of whoever started it, if greater."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    peak_kb = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return round(peak_kb * 1024 / 1e6, 1)


def _crowd(settings: Settings, eyes: Vision, frames: int) -> float:
    """Return what so many frames of four people's visit take by those of one's."""
    now = SystemClock().now()
    visits = {name: Visit(settings, eyes, image, now) for name, image in (("one", portrait()), ("four", group()))}
    return take_turns({name: visit.step for name, visit in visits.items()}, frames).share("four", "one")


def _steps(eyes: Vision, others: Sequence[Network]) -> dict[str, Step]:
    """Return what is measured on a frame with one face."""
    image = portrait()
    frame = Frame(image)
    face = next(iter(eyes.detector.detect(frame)), None)
    if face is None:
        raise SettingsError("no face is found in the picture that is measured with: set detector.min_score lower")
    crop = eyes.recognizer.aligner.align(image, face).crop
    motion, now = Motion(), SystemClock().now()
    track = Track(1, face, now, now)

    def recognize(seen: Track) -> None:
        eyes.recognizer.recognize(frame, (seen,))
        for other in others:
            other.infer(crop)

    def whole() -> None:
        for found in eyes.detector.detect(frame):
            recognize(Track(1, found, now, now))

    def invoke() -> None:
        for network in (eyes.network, *others):
            network.invoke()

    return {
        "motion gate": lambda: motion.needs_search(now, frame, anyone_in_view=False),
        "detect": lambda: eyes.detector.detect(frame),
        "align": lambda: eyes.recognizer.aligner.align(image, face),
        "network": lambda: [network.infer(crop) for network in (eyes.network, *others)],
        "align, gates, network": lambda: recognize(track),
        "whole frame": whole,
        "bare detector": eyes.detector.bare(frame),
        "bare network": invoke,
    }
