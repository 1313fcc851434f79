"""What is known of a network -> its file and its sidecar in the zoo."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from models.calibrate import ANCHORS, Calibration
from models.checkpoint import Checkpoint
from models.errors import TrainingError
from models.names import EMBEDDING, IDENTITY, INPUT, Quantisation
from models.recipe import Backbone, Recipe

ZOO = Path(__file__).resolve().parent / "zoo"
_DECIMALS = 4
_BACKBONES, _FORMS = get_args(Backbone), get_args(Quantisation)

_CALIBRATION = (
    "strangers: the people of LFW in lfw_people val and lfw9/unknown val; galleries: all that can be made of 210 other "
    "people of lfw_people (split calibration), with five pictures each; no training saw either; the stricter of one "
    "look and of the mean of up to five; low and high: 95 % interval, strangers and people of the galleries drawn anew "
    "200 times; identity.reject: 1 % of the same strangers"
)


def sidecar(
    recipe: Recipe, checkpoint: Checkpoint, calibration: Calibration, content: bytes, form: Quantisation
) -> dict[str, Any]:
    """Return the description of a network's file, as the contract wants it; `metrics` are written by `evaluate`.

    Args:
        recipe: what it was made by.
        checkpoint: with the people of the closed set.
        calibration: who is a stranger.
        content: of the file.
        form: how it is quantised.
    """
    groups = {
        name: {"labels": list(head.labels), "temperature": round(checkpoint.groups[name].temperature, _DECIMALS)}
        for name, head in recipe.heads.groups.items()
    }
    return {
        "name": f"{recipe.name}.{form}",
        "version": recipe.version,
        "sha256": hashlib.sha256(content).hexdigest(),
        "backbone": recipe.backbone,
        "quantisation": form,
        "input": {
            "name": INPUT,
            "size": list(recipe.input.size),
            "dtype": "uint8",
            "scale": None,
            "zero_point": None,
            "colour": "rgb",
            "alignment": {
                "template": recipe.input.template,
                "points": [list(point) for point in recipe.input.points],
            },
        },
        "heads": {
            EMBEDDING: {"length": checkpoint.means.shape[1], "space": recipe.space},
            IDENTITY: {"labels": list(checkpoint.people), "reject": calibration.reject},
            **groups,
        },
        "thresholds": {
            "anchors_per_person": ANCHORS,
            "data": _CALIBRATION,
            "rows": [asdict(row) for row in calibration.rows],
        },
        "metrics": [],
        "training": {
            "data": [source.model_dump() for source in recipe.data],
            "teacher": recipe.teacher.model_dump(),
            "command": f"python -m models.train models/configs/{recipe.name}.toml && "
            f"python -m models.export models/configs/{recipe.name}.toml",
        },
    }


def write(folder: Path, description: Mapping[str, Any], content: bytes) -> Path:
    """Write a network's file and its sidecar and return the file's path.

    Raises:
        TrainingError: the folder cannot be written.
    """
    path = folder / f"{description['name']}.tflite"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        write_sidecar(path.with_suffix(".json"), description)
    except OSError as error:
        raise TrainingError(f"{path}: {error.strerror or error}: the zoo needs a writable disk") from error
    return path


def write_sidecar(path: Path, description: Mapping[str, Any]) -> None:
    """Write a sidecar so that a changed figure is a changed line."""
    path.write_text(json.dumps(description, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def shipped(folder: Path = ZOO) -> list[Path]:
    """Return the sidecars of a zoo: the default's backbone first, and of each backbone float32 first.

    Raises:
        TrainingError: there is none, or one cannot be read.
    """
    found = {path: _read(path) for path in folder.glob("*.json")}
    if not found:
        raise TrainingError(f"{folder}: no sidecar: export a network first")
    return sorted(
        found, key=lambda path: (_BACKBONES.index(found[path]["backbone"]), _FORMS.index(found[path]["quantisation"]))
    )


def temperatures(path: Path) -> dict[str, float]:
    """Return by head what its scores were calibrated by; heads without a temperature are left out.

    Raises:
        TrainingError: the sidecar cannot be read.
    """
    heads = _read(path)["heads"]
    return {name: head["temperature"] for name, head in heads.items() if "temperature" in head}


def _read(path: Path) -> dict[str, Any]:
    try:
        description: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path}: the sidecar cannot be read: {error}") from error
    return description
