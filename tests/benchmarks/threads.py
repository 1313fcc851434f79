"""Threads of each runtime beside busy processes -> milliseconds of detector and network.

    .venv-bench/bin/python tests/benchmarks/threads.py [--rounds N] [--seconds S] [--runtime R]

Each runtime with each number of threads is a process of its own. They take turns; each turn is one frame of 640x480
pixels that is searched for faces, and one face that passes through the network. Meanwhile 0, 1, ... other processes are
busy, up to one on each core. The table justifies the default of `model.threads`: "worst" is the greatest ratio of a
median, or of a 90th percentile, to that of one thread at the same load.
"""

import argparse
import os
import sys
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np
from turns import Player, busy_processes, play, serve, timed

from node.commands.bench.visit import portrait
from node.domain import Frame
from node.errors import ModelError
from node.system import bundled, malloc
from node.vision.detector import Detector
from node.vision.tflite import Network, Runtime, find_runtime

RUNTIMES: tuple[Runtime, ...] = ("litert", "tflite")
THREADS = (1, 2, 4)
FIGURES = ("detector", "network")
_ONE = "--one"


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100, help="rounds at each load (default: 100)")
    parser.add_argument("--seconds", type=float, default=120, help="longest time at each load (default: 120)")
    parser.add_argument("--runtime", choices=RUNTIMES, help="one runtime alone (default: all that are installed)")
    parser.add_argument(_ONE, nargs=2, metavar=("RUNTIME", "THREADS"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        runtime, threads = args.one
        serve_one("litert" if runtime == "litert" else "tflite", int(threads))
        return 0
    runtimes = (args.runtime,) if args.runtime else RUNTIMES
    names = {f"{each} {threads}": (each, threads) for each in runtimes if _installed(each) for threads in THREADS}
    cores = os.cpu_count() or 1
    print(f"{cores} cores, load before {os.getloadavg()[0]:.1f}; milliseconds, median / 90th percentile")
    print("| runtime | threads | busy processes | detector | network | worst |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    with ExitStack() as running:
        players = {
            name: running.enter_context(Player((Path(__file__).name, _ONE, runtime, str(threads))))
            for name, (runtime, threads) in names.items()
        }
        for busy in sorted({0, 1, cores}):
            with busy_processes(busy):
                times = play(players, ["frame"], args.rounds, most_s=args.seconds)
            points = {
                name: {figure: np.percentile(figures[figure], (50, 90)) for figure in FIGURES}
                for name, figures in times.items()
            }
            for name, (runtime, threads) in names.items():
                found, one = points[name], points[f"{runtime} 1"]
                worst = max(float((found[figure] / one[figure]).max()) for figure in FIGURES)
                cells = " | ".join(f"{found[figure][0]:.1f} / {found[figure][1]:.1f}" for figure in FIGURES)
                print(f"| {runtime} | {threads} | {busy} | {cells} | {worst:.2f} |", flush=True)
    return 0


def serve_one(runtime: Runtime, threads: int) -> None:
    """Run frames on one runtime whenever it is this process's turn."""
    malloc.keep_freed_memory()
    cv2.setNumThreads(1)
    detector = Detector(bundled.detector(runtime), runtime=runtime, threads=threads)
    network = Network(bundled.path(bundled.NETWORK), runtime, threads)
    frame = Frame(portrait())
    crop = np.ascontiguousarray(frame.image[:112, :112])
    serve(
        {
            "frame": lambda: {
                "detector": timed(lambda: detector.detect(frame)),
                "network": timed(lambda: network.infer(crop)),
            }
        }
    )


def _installed(runtime: Runtime) -> bool:
    try:
        find_runtime(runtime)
    except ModelError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
