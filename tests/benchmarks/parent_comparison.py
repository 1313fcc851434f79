"""Whole frames of this commit beside those of an earlier one, in alternating runs, and each figure beside its target.

    .venv-bench/bin/python tests/benchmarks/parent_comparison.py [--against REV] [--rounds N] [--size 1280x720]

The earlier commit is the last whose detector ran on OpenCV, unless another is named. Each row is of two processes, one
of each commit, which take turns with whole nodes (`frame_player.py`). A frame "searched whole" is one of a recorded
source, with every face embedded. "The rest" is a frame without the calls of detector and network. The memory is that of
`facenode run` without a broker, after it has followed a clip.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from procfs import sample
from turns import ROOT, Player, busy_processes, play

from node.errors import ModelError
from node.vision.tflite import Runtime, find_runtime

BEFORE = "6f463fd745e95f65afea7ad28cfda7ddcaad5996"
"""The last commit whose detector ran on OpenCV."""
RUNTIMES: tuple[Runtime, ...] = ("litert", "tflite")
WHOLE = {"litert": 0.58, "tflite": 0.78}
FOUR = {"litert": 0.45}
REST, BUSY, MOST_MB = 0.5, 2.3, {"litert": 150.0}
_BLOCKS = 4
_MEMORY_S = 20.0


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", default=BEFORE, help="the earlier commit")
    parser.add_argument("--rounds", type=int, default=150, help="rounds of each row (default: 150)")
    parser.add_argument("--size", default="640x480", help="width and height of the frames (default: 640x480)")
    args = parser.parse_args()
    print(f"against {args.against[:12]}, {os.cpu_count()} cores, load before {os.getloadavg()[0]:.1f}")
    print("| figure | earlier | now | ratio | at most |\n| --- | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder:
        earlier = Path(folder)
        extract(args.against, earlier)
        for runtime in RUNTIMES:
            if _installed(runtime):
                measure(runtime, earlier, args.size, args.rounds)
    return 0


def measure(runtime: Runtime, earlier: Path, size: str, rounds: int) -> None:
    """Print the rows of one runtime."""
    one_thread = {"model": {"runtime": runtime, "threads": 1}}
    every_face = one_thread | {"events": {"recheck_s": 0}}
    found = take_turns(earlier, ["--size", size, "--settings", json.dumps(every_face)], rounds)
    show(f"{runtime}: whole frame, searched whole, one person, ms", found["whole"], WHOLE.get(runtime))
    show(f"{runtime}: the rest of it, ms", found["rest"], REST)
    live = ["--size", size, "--people", "4", "--frames", "10", "--live", "--settings", json.dumps(one_thread)]
    found = take_turns(earlier, live, max(10, rounds // 4))
    show(f"{runtime}: a frame with four people followed, live, ms", found["whole"], FOUR.get(runtime))
    quiet, busy = measure_busy({"model": {"runtime": runtime}, "events": {"recheck_s": 0}}, size, rounds)
    print(f"| {runtime}: whole frame, quiet (left) and with a busy process on each core, ms ", end="")
    print(f"| {quiet:.2f} | {busy:.2f} | {busy / quiet:.2f} | {BUSY:g} |", flush=True)
    before_mb, now_mb = (measure_memory_mb(checkout, runtime) for checkout in (earlier, ROOT))
    bound = f"{MOST_MB[runtime]:g} MB" if runtime in MOST_MB else "1"
    print(f"| {runtime}: memory of `facenode run`, MB ", end="")
    print(f"| {before_mb:.0f} | {now_mb:.0f} | {now_mb / before_mb:.2f} | {bound} |", flush=True)


def show(name: str, figures: tuple[Sequence[float], Sequence[float]], target: float | None) -> None:
    """Print a row: medians, and the median over the rounds of the ratio within a round."""
    before, now = (np.asarray(each) for each in figures)
    ratio = float(np.median(now / before))
    bound = "" if target is None else f"{target:g}"
    print(f"| {name} | {np.median(before):.2f} | {np.median(now):.2f} | {ratio:.2f} | {bound} |", flush=True)


def take_turns(
    earlier: Path, options: Sequence[str], rounds: int
) -> dict[str, tuple[Sequence[float], Sequence[float]]]:
    """Return each figure of the earlier commit and of this one."""
    command = ["frame_player.py", *options]
    with ExitStack() as running:
        players = {
            name: running.enter_context(Player(command, checkout))
            for name, checkout in (("earlier", earlier), ("now", ROOT))
        }
        times = play(players, ["frame"], rounds, warm_up=20)
    return {figure: (times["earlier"][figure], times["now"][figure]) for figure in times["now"]}


def measure_busy(settings: object, size: str, rounds: int) -> tuple[float, float]:
    """Return the median milliseconds of a whole frame on a quiet machine and a busy one, in alternating blocks."""
    times: dict[int, list[float]] = {0: [], os.cpu_count() or 1: []}
    with Player(["frame_player.py", "--size", size, "--settings", json.dumps(settings)]) as player:
        for _ in range(_BLOCKS):
            for count in times:
                with busy_processes(count):
                    times[count] += play({"": player}, ["frame"], rounds // _BLOCKS)[""]["whole"]
    quiet, busy = (float(np.median(taken_ms)) for taken_ms in times.values())
    return quiet, busy


def measure_memory_mb(checkout: Path, runtime: Runtime) -> float:
    """Return the memory of `facenode run` with the default network, once it has followed a clip."""
    with tempfile.TemporaryDirectory() as folder:
        given = {
            "camera.source": f"video:{ROOT / 'tests' / 'media' / 'carphone.mp4'}",
            "model.runtime": runtime,
            "model.threads": 1,
            "mqtt.port": 1,
            "storage.dir": folder,
        }
        options = [part for name, value in given.items() for part in ("--set", f"{name}={value}")]
        with subprocess.Popen(
            [sys.executable, "-m", "node.cli", "run", *options],
            env=os.environ | {"PYTHONPATH": str(checkout)}, cwd=checkout, stderr=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            time.sleep(_MEMORY_S)  # the clip takes less; the node then waits for a broker
            found = sample(process.pid).rss_mb
            process.kill()
    return found


def extract(revision: str, folder: Path) -> None:
    """Write the files of a commit into a folder."""
    done = subprocess.run(["git", "archive", revision], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"{revision}: no such commit here ({done.stderr.decode().strip()}): name one with --against")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")


def _installed(runtime: Runtime) -> bool:
    try:
        find_runtime(runtime)
    except ModelError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
