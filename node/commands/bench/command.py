"""This machine -> its figures: milliseconds of each step, memory, and overhead over the bare calls."""

import argparse
import logging
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from node.assembly import Vision, build_vision
from node.clock import SystemClock
from node.commands.bench.live import camera_figures, clip_latency_ms
from node.commands.bench.share import MachineKind, Warmth, share_block
from node.commands.bench.stopwatch import Step, time_in_rounds
from node.commands.bench.visit import SIZE, Visit, group, portrait
from node.domain import Frame, Track, counted
from node.errors import SettingsError
from node.settings import Settings
from node.system.machine import Machine
from node.system.terminal import print_json, print_line
from node.vision.motion import Motion
from node.vision.tflite import Network

_BARE = ("bare detector", "bare network")
_TARGETS = {"whole frame / bare calls": 1.10, "four people / one": 1.5}
"""Maximum ratios that the program must keep to."""


def add_parser(subparsers: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse's is private
    """Add `bench` to the command line."""
    parser = subparsers.add_parser("bench", parents=[common])
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="print JSON")
    output.add_argument(
        "--share", action="store_true", help="also measure camera and latency, and print a block to paste"
    )
    parser.add_argument("--runs", type=int, default=100, help="runs of each step; default: 100")
    parser.add_argument(
        "--networks",
        type=int,
        default=1,
        help="networks that each face passes through; default: 1; 3 shows the cost of one network for each task",
    )
    parser.set_defaults(main=main)


def main(args: argparse.Namespace, settings: Settings) -> int:
    """Print median and 95th percentile of each step on a 640x480 frame with one face, and the ratios that matter."""
    if args.share and not args.verbose:  # what the demo's node logs is not to be pasted
        logging.getLogger().setLevel(logging.ERROR)
    machine = Machine()
    before_c = machine.cpu_c()
    vision = build_vision(settings, settings.publish.tasks)
    others = [build_vision(settings, ()).network for _ in range(args.networks - 1)]
    figures = measure(settings, vision, max(1, args.runs), others)
    cores = counted(count, "core") if (count := os.cpu_count()) else "an unknown number of cores"
    head = {
        "machine": f"{platform.machine()}, {cores}, Python {platform.python_version()}",
        "network": f"{vision.network.sidecar.name} {vision.network.sidecar.version}"
        + (f", {len(others) + 1} of them" if others else ""),
        "runtime": f"{vision.network.runtime}, {counted(vision.threads, 'thread')}"
        + ("" if settings.model.threads else " (model.threads = 0 chooses)"),
        "frame": f"{SIZE[1]}x{SIZE[0]}, faces searched at {settings.detector.width}",
    }
    if args.share:
        warmth = Warmth(before_c, machine.cpu_c(), machine.throttled())
        camera, latency_ms = camera_figures(settings), clip_latency_ms(settings)
        for line in share_block(MachineKind.read(), figures, head, camera, warmth, latency_ms).splitlines():
            print_line(line)
        return 0
    if args.json:
        print_json(head | figures)
        return 0
    for name, value in head.items():
        print_line(f"{name:<10}{value}")
    print_line()
    print_line(f"{'step':<28}{'median ms':>10}{'p95 ms':>10}")
    for step, times in figures["steps"].items():
        print_line(f"{step:<28}{times['p50_ms']:>10.2f}{times['p95_ms']:>10.2f}")
    print_line()
    print_line(f"{'ratio':<34}{'measured':>10}{'at most':>10}")
    for name, ratio in figures["ratios"].items():
        target = f"{_TARGETS[name]:.2f}" if name in _TARGETS else ""
        print_line(f"{name:<34}{ratio:>10.2f}{target:>10}")
    print_line()
    print_line(f"peak memory: {figures['peak_mb']:.0f} MB")
    return 0


def measure(settings: Settings, vision: Vision, runs: int, others: Sequence[Network] = ()) -> dict[str, Any]:
    """Return the times of each step, the ratios that matter, and the peak memory.

    The bare calls are the detector on a picture that already has its size and color order, and the interpreter on an
    input that it already holds. Four people are compared with one over a visit of a tenth of a second a run, in which a
    node looks at faces as often as it needs to, and over the frames before the decision, in which it looks at them all.

    Args:
        settings: of the node.
        vision: detector, recognizer and network.
        runs: of each step.
        others: networks that each face goes through besides.

    Raises:
        SettingsError: the detector finds no face.
    """
    rounds = time_in_rounds(_steps(vision, others), runs, warm_up=runs // 5 + 1)
    undecided = settings.events.unknown_votes
    return {
        "steps": {name: {"p50_ms": rounds.p50_ms(name), "p95_ms": rounds.p95_ms(name)} for name in rounds.times_ms},
        "ratios": {
            "whole frame / bare calls": rounds.ratio(("whole frame",), _BARE),
            "motion gate / whole frame": rounds.ratio(("motion gate",), ("whole frame",)),
            "four people / one": _group_ratio(settings, vision, runs),
            "four / one, until decided": median(
                _group_ratio(settings, vision, undecided) for _ in range(runs // 10 + 1)
            ),
        },
        "peak_mb": _peak_mb(),
    }


def _peak_mb() -> float:
    """Return the peak memory of this process, megabytes; getrusage may return that of the process that started it."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    peak_kb = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return round(peak_kb * 1024 / 1e6, 1)


def _group_ratio(settings: Settings, vision: Vision, frames: int) -> float:
    """Return the time of so many frames of a visit of four people, divided by that of one person."""
    now = SystemClock().now()
    visits = {name: Visit(settings, vision, image, now) for name, image in (("one", portrait()), ("four", group()))}
    return time_in_rounds({name: visit.step for name, visit in visits.items()}, frames).share("four", "one")


def _steps(vision: Vision, others: Sequence[Network]) -> dict[str, Step]:
    """Return the steps to time on a frame with one face."""
    image = portrait()
    frame = Frame(image)
    face = next(iter(vision.detector.detect(frame)), None)
    if face is None:
        raise SettingsError("no face found in the benchmark picture: lower detector.min_score")
    crop = vision.recognizer.aligner.align(image, face).crop
    motion, now = Motion(), SystemClock().now()
    track = Track(1, face, now, now)

    def recognize(seen: Track) -> None:
        vision.recognizer.recognize(frame, (seen,))
        for other in others:
            other.infer(crop)

    def process_frame() -> None:
        for found in vision.detector.detect(frame):
            recognize(Track(1, found, now, now))

    def invoke() -> None:
        for network in (vision.network, *others):
            network.invoke()

    return {
        "motion gate": lambda: motion.needs_search(now, frame, anyone_in_view=False),
        "detect": lambda: vision.detector.detect(frame),
        "align": lambda: vision.recognizer.aligner.align(image, face),
        "network": lambda: [network.infer(crop) for network in (vision.network, *others)],
        "align, gates, network": lambda: recognize(track),
        "whole frame": process_frame,
        "bare detector": vision.detector.bare(frame),
        "bare network": invoke,
    }
