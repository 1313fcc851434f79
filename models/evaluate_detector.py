"""The detector's files and the face data -> their figures on each TFLite runtime that is installed.

`python -m models.evaluate_detector --write --card models/README.md`

It runs in a node's environment. With `pip install 'facenode[tflite]'` on Python 3.11 it has both runtimes.
"""

import argparse
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from models.command import run
from models.data.manifests import data_folder
from models.evaluation.detector_card import MARK, Measured, tables, write_figures
from models.evaluation.detectors import PORTRAITS, EvaluationData
from models.evaluation.report import write_card
from node.errors import ModelError
from node.vision.detector import Detector
from node.vision.tflite import Runtime, find_runtime

FOLDER = Path(__file__).resolve().parent / "detector"
ONNX = FOLDER / "face_detection_yunet_2023mar.onnx"
_RUNTIMES: tuple[Runtime, ...] = ("litert", "tflite")
_SLOW = ("int8", "tflite")
"""tflite-runtime does not give 8 bits to XNNPACK: a frame takes a quarter of a second, and a node never runs it so."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m models.evaluate_detector", description="Measure the detector's files on composed scenes."
    )
    parser.add_argument("--write", action="store_true", help="write the figures into the sidecars")
    parser.add_argument("--card", type=Path, help="write the tables between the detector's marks of a model card")
    parser.add_argument("--portraits", type=int, default=PORTRAITS, help=f"number of portraits (default: {PORTRAITS})")
    parser.add_argument("--pairs", type=int, help="number of pairs (default: all)")
    given = parser.parse_args(arguments)
    return run(lambda: _evaluate(given))


def _evaluate(given: argparse.Namespace) -> None:
    detectors = {
        f"{form}, {runtime}": Detector(FOLDER / f"yunet.{form}.tflite", runtime=runtime)
        for runtime in _RUNTIMES
        if _installed(runtime)
        for form in ("float32", "int8")
        if (form, runtime) != _SLOW
    }
    measured: Measured = EvaluationData(ONNX, data_folder(), given.portraits, given.pairs).measure(detectors)
    today = datetime.now(UTC).date()
    text = f"{tables(measured)}\n\n{platform.machine()}; {today}."
    print(text)
    if given.write:
        for name, detector in detectors.items():
            write_figures(FOLDER / f"{detector.sidecar.name}.json", detector.runtime, measured[name], today)
    if given.card:
        write_card(given.card, text, MARK)


def _installed(runtime: Runtime) -> bool:
    try:
        find_runtime(runtime)
    except ModelError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
