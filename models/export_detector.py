"""YuNet's ONNX file and the face data -> the detector's TFLite files, each with its sidecar.

`python -m models.export_detector`

It takes minutes and needs no TensorFlow. The files are byte for byte the same each time. `python -m
models.evaluate_detector` measures them.
"""

import argparse
import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from models.catalogue import read_sidecar, write_sidecar
from models.command import run
from models.data.manifests import data_folder
from models.errors import TrainingError

FOLDER = Path(__file__).resolve().parent / "detector"
_COMMAND = "python -m models.export_detector"
_VERSION = "2023.3"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog=_COMMAND, description="Write the detector's TFLite files.")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="output folder (default: models/detector)")
    given = parser.parse_args(arguments)
    return run(lambda: _export(given.folder))


def _export(folder: Path) -> None:
    data = data_folder()
    try:  # imported late, so that a missing package is an error in one line
        from models.exporting.detector import float32, int8, representative_scenes  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise TrainingError(f"{error.name} is not installed: pip install 'facenode[train,litert]'") from error
    forms: Mapping[str, Callable[[], bytes]] = {"float32": float32, "int8": lambda: int8(representative_scenes(data))}
    for form, content in forms.items():
        path = folder / f"yunet.{form}.tflite"
        written = content()
        _write(path, written, _sidecar(form, written))
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


def _write(path: Path, content: bytes, sidecar: Mapping[str, Any]) -> None:
    described = path.with_suffix(".json")
    former = read_sidecar(described) if described.exists() else {}
    # What was measured of the same bytes stays.
    metrics = former.get("metrics", []) if former.get("sha256") == sidecar["sha256"] else []
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        write_sidecar(described, {**sidecar, "metrics": metrics})
    except OSError as error:
        raise TrainingError(f"{path}: {error.strerror or error}: name a writable folder with --folder") from error


if __name__ == "__main__":
    sys.exit(main())
