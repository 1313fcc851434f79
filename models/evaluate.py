"""Networks of the zoo and the face data -> their figures and plots, measured with the node's own code.

`python -m models.evaluate --all --write --card models/README.md --plots models/figures`

It runs in a node's environment: it needs no TensorFlow, and matplotlib only for plots.
"""

import argparse
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from models.catalogue import shipped, temperatures
from models.command import run
from models.data.cache import FOLDER
from models.data.crops import DETECTOR
from models.data.manifests import data_folder, lfw_pairs
from models.data.samples import Pair
from models.errors import TrainingError
from models.evaluation.group_card import MARK, group_table
from models.evaluation.measure import PredictionsByNetwork, measure, predict_all
from models.evaluation.report import as_json, markdown, write_card, write_metrics
from models.evaluation.scoring import Decision
from node.vision.cohort import load_cohort
from node.vision.tflite import Network


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m models.evaluate", description="Measure networks of the zoo.")
    parser.add_argument("sidecars", type=Path, nargs="*", help="files such as models/zoo/mobilefacenet.float32.json")
    parser.add_argument("--all", action="store_true", help="measure every network of the zoo")
    parser.add_argument("--runtime", choices=("auto", "litert", "tflite"), default="auto", help="TFLite runtime")
    parser.add_argument("--detector", type=Path, default=DETECTOR, help=f"detector's file (default: {DETECTOR.name})")
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    parser.add_argument("--write", action="store_true", help="write the figures into the sidecars")
    parser.add_argument(
        "--card", type=Path, help="write the tables of a model card, with the groups of the first network"
    )
    parser.add_argument("--plots", type=Path, help="draw plots into this folder")
    given = parser.parse_args(arguments)
    if given.all == bool(given.sidecars):
        parser.error("name sidecars, or use --all")
    return run(lambda: _evaluate(given))


def _evaluate(given: argparse.Namespace) -> None:
    data, today = data_folder(), datetime.now(UTC).date()
    networks = {path: Network(path.with_suffix(".tflite"), given.runtime) for path in given.sidecars or shipped()}
    predictions = {
        path: predict_all(network, data, FOLDER, detector=given.detector) for path, network in networks.items()
    }
    decisions = {
        path: Decision(network.sidecar, load_cohort(path.with_suffix(".tflite"), network.sidecar))
        for path, network in networks.items()
    }
    pairs = lfw_pairs(data)
    measured = {
        path: measure(predictions[path], pairs, decision, temperatures(path)) for path, decision in decisions.items()
    }
    by_name = {networks[path].sidecar.name: figures for path, figures in measured.items()}
    runtimes = sorted({network.runtime for network in networks.values()})
    how = f"Runtime: {', '.join(runtimes)}; detector: {given.detector.stem}; {platform.machine()}; {today}."
    tables = f"{markdown(by_name)}\n\n{how}"
    print(as_json(by_name, today) if given.json else tables)
    if given.write:
        for path, figures in measured.items():
            write_metrics(path, figures, today)
    if given.card:
        write_card(given.card, tables)
        write_card(given.card, group_table(next(iter(measured.values()))), MARK)
    if given.plots:
        _draw(
            given.plots,
            {decision.sidecar.name: (decision, predictions[path]) for path, decision in decisions.items()},
            pairs,
        )


def _draw(folder: Path, predictions: PredictionsByNetwork, pairs: Sequence[Pair]) -> None:
    try:  # imported late, so that a missing matplotlib is an error in one line
        from models.evaluation.plots import draw  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise TrainingError(f"{error.name} is not installed: pip install 'facenode[train]'") from error
    for path in draw(folder, predictions, pairs):
        print(path, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
