"""YuNet's ONNX file and the face data -> the detector's TFLite files, each with its measured sidecar.

`python -m models.export_detector`

It takes minutes and needs no TensorFlow. The files are byte for byte the same each time.
"""

import argparse
import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.catalogue import write_sidecar
from models.command import run
from models.data.manifests import data_folder
from models.errors import TrainingError
from models.evaluation.detection import Detections

FOLDER = Path(__file__).resolve().parent / "detector"
_COMMAND = "python -m models.export_detector"
_VERSION = "2023.3"
_DECIMALS = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog=_COMMAND, description="Write the detector's TFLite files and measure them.")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="output folder (default: models/detector)")
    given = parser.parse_args(arguments)
    return run(lambda: _export(given.folder))


def _export(folder: Path) -> None:
    data = data_folder()
    try:  # imported late, so that a missing package is an error in one line
        from models.exporting.detector import detections, float32, int8, representative_scenes  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise TrainingError(f"{error.name} is not installed: pip install 'facenode[train,litert]'") from error
    forms: Mapping[str, Callable[[], bytes]] = {"float32": float32, "int8": lambda: int8(representative_scenes(data))}
    for form, content in forms.items():
        path = folder / f"yunet.{form}.tflite"
        written = content()
        _write(path, written, _sidecar(form, written))
        figures = detections(path, data)
        _write(path, written, _sidecar(form, written) | _described(figures))
        print(f"{path}: {len(written) / 1e6:.2f} MB")


def _sidecar(form: str, content: bytes) -> dict[str, Any]:
    """Return what identifies a file."""
    return {
        "name": f"yunet.{form}",
        "version": _VERSION,
        "sha256": hashlib.sha256(content).hexdigest(),
        "network": "yunet",
        "quantisation": form,
        "input": {"name": "image", "colour": "rgb", "multiple_of": 32, "padding": "one row on top, one column left"},
        "origin": "OpenCV Zoo, models/face_detection_yunet, version of March 2023: see NOTICE.md",
        "terms": "MIT: see NOTICE.md",
        "command": _COMMAND,
    }


def _described(figures: Detections) -> dict[str, Any]:
    """Return the measured figures as they stand in a sidecar."""
    false, pictures = figures.false_positives
    return {
        "metrics": {
            "data": "portraits of lfw_people val in composed 640x480 scenes, half plain, half textured; "
            "agreement: with the ONNX file in OpenCV",
            "recall": [_rounded(asdict(row)) for row in figures.recall],
            "unmatched": figures.unmatched,
            "false_positives": {"faces": false, "pictures": pictures},
            "agreement": _rounded(asdict(figures.agreement)),
        }
    }


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, _DECIMALS) for name, value in values.items()}


def _write(path: Path, content: bytes, sidecar: Mapping[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        write_sidecar(path.with_suffix(".json"), sidecar)
    except OSError as error:
        raise TrainingError(f"{path}: {error.strerror or error}: name a writable folder with --folder") from error


if __name__ == "__main__":
    sys.exit(main())
