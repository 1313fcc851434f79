"""Networks of the zoo and the face data -> the cohort of each, and thresholds of the normalized score in its sidecar.

`python -m models.cohort --all`

It runs in a node's environment, after `models.export`: what it measures is what the network's file gives. The same
files and pictures give the same bytes.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from models.catalogue import shipped, unquantised
from models.command import run
from models.data.cache import FOLDER
from models.data.manifests import data_folder
from models.exporting.cohort import write_cohort
from models.exporting.cohort_thresholds import measured_cohort, predict_for_cohort
from node.vision.tflite import Network


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m models.cohort", description="Make the cohorts of networks, which normalize their scores."
    )
    parser.add_argument("sidecars", type=Path, nargs="*", help="files such as models/zoo/mobilefacenet.float32.json")
    parser.add_argument("--all", action="store_true", help="make the cohort of every network of the zoo")
    given = parser.parse_args(arguments)
    if given.all == bool(given.sidecars):
        parser.error("name sidecars, or use --all")
    return run(lambda: _make(given.sidecars or shipped()))


def _make(sidecars: Sequence[Path]) -> None:
    data = data_folder()
    for path in sidecars:
        network, exact = (Network(of.with_suffix(".tflite")) for of in (path, unquantised(path)))
        made = measured_cohort(predict_for_cohort(network, exact, data, FOLDER))
        written = write_cohort(path, made)
        unmet = ", ".join(made.table.unmet) or "none"
        print(f"{written}: {len(made.cohort.vectors)} rows, {len(made.content) / 1e3:.0f} kB; unmet: {unmet}")


if __name__ == "__main__":
    sys.exit(main())
