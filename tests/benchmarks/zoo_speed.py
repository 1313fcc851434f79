"""Each network of the zoo on each runtime: milliseconds and memory, compared with one network for each task.

    python tests/benchmarks/zoo_speed.py

Prints a table from `facenode bench --json`, with a process for each line. "Three" are three copies of the file, each of
which processes every face: the cost of one network per task, since heads that could be left out take almost no time.
A runtime that is not installed has no lines: `pip install '.[tflite]'` brings the second to Python 3.11.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from node.errors import ModelError
from node.vision.tflite import Runtime, find_runtime

ROOT = Path(__file__).resolve().parents[2]
RUNS = 40
RUNTIMES: tuple[Runtime, ...] = ("litert", "tflite")


def main() -> int:
    """Print the table."""
    print("| network | runtime | network, ms | three, ms | whole frame, ms | three, ms | memory, MB | three, MB |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for file in sorted((ROOT / "models" / "zoo").glob("*.tflite")):
        for runtime in RUNTIMES:
            if _installed(runtime):
                one, three = (_measured(file, runtime, networks) for networks in (1, 3))
                cells = [f"{figures[key]:.1f}" for key in ("network", "frame", "memory") for figures in (one, three)]
                print(f"| {file.stem} | {runtime} | {' | '.join(cells)} |", flush=True)
    return 0


def _installed(runtime: Runtime) -> bool:
    try:
        find_runtime(runtime)
    except ModelError:
        return False
    return True


def _measured(file: Path, runtime: Runtime, networks: int) -> dict[str, float]:
    settings = {"model.path": file, "model.runtime": runtime, "model.threads": 1}
    command = [sys.executable, "-m", "node.cli", "bench", "--json", f"--runs={RUNS}", f"--networks={networks}"]
    command += [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    steps = found["steps"]
    return {
        "network": steps["network"]["p50_ms"],
        "frame": steps["whole frame"]["p50_ms"],
        "memory": found["peak_mb"],
    }


if __name__ == "__main__":
    sys.exit(main())
