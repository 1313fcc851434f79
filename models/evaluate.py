"""Networks of the zoo and the face data -> their figures, measured through the node's own vision.

`python -m models.evaluate models/zoo/mobilefacenet.float32.json models/zoo/mobilefacenet.dynamic.json`

Needs no TensorFlow: the same command runs in a node's environment.
"""

import argparse
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from models.cache import FOLDER
from models.command import run
from models.manifests import data_folder
from models.protocols import measure
from models.report import as_json, markdown, write_card, write_metrics
from node.vision.tflite import Network


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m models.evaluate", description="Measure networks of the zoo.")
    parser.add_argument("sidecars", type=Path, nargs="+", help="files such as models/zoo/mobilefacenet.float32.json")
    parser.add_argument("--runtime", choices=("auto", "litert", "tflite"), default="auto", help="which TFLite runtime")
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    parser.add_argument("--write", action="store_true", help="write the figures into the sidecars")
    parser.add_argument("--card", type=Path, help="write the tables into a model card, between its marks")
    given = parser.parse_args(arguments)

    def evaluate() -> None:
        data, today = data_folder(), datetime.now(UTC).date()
        networks = {path: Network(path.with_suffix(".tflite"), given.runtime) for path in given.sidecars}
        measured = {path: measure(network, data, FOLDER) for path, network in networks.items()}
        by_name = {networks[path].sidecar.name: figures for path, figures in measured.items()}
        runtimes = sorted({network.runtime for network in networks.values()})
        tables = f"{markdown(by_name)}\n\nRuntime: {', '.join(runtimes)}, {platform.machine()}; {today}."
        print(as_json(by_name, today) if given.json else tables)
        if given.write:
            for path, figures in measured.items():
                write_metrics(path, figures, today)
        if given.card:
            write_card(given.card, tables)

    return run(evaluate)


if __name__ == "__main__":
    sys.exit(main())
