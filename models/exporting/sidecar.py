"""A network and its description -> its file and its sidecar in the zoo."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.catalogue import write_sidecar
from models.errors import TrainingError
from models.evaluation.thresholds import ANCHORS, Thresholds
from models.names import EMBEDDING, IDENTITY, INPUT, Quantisation
from models.networks.checkpoint import Checkpoint
from models.recipe.recipe import Recipe

_DECIMALS = 4

_THRESHOLD_DATA = (
    "strangers: the people of LFW in lfw_people val and lfw9/unknown val; galleries: all that can be made of 210 other "
    "people of lfw_people (split calibration), with five pictures each; no training saw either; the stricter of one "
    "look and of the mean of up to five; low and high: 95 % interval, strangers and people of the galleries drawn anew "
    "200 times; identity.reject: 1 % of the same strangers"
)


def sidecar(
    recipe: Recipe, checkpoint: Checkpoint, thresholds: Thresholds, content: bytes, form: Quantisation
) -> dict[str, Any]:
    """Return the sidecar of a network's file, by the contract's schema; `models.evaluate` writes its `metrics`.

    Args:
        recipe: the recipe.
        checkpoint: the trained network, with the people of the closed set.
        thresholds: the thresholds measured with the file.
        content: content of the file.
        form: the quantisation.
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
            IDENTITY: {"labels": list(checkpoint.people), "reject": thresholds.reject},
            **groups,
        },
        "thresholds": {
            "anchors_per_person": ANCHORS,
            "data": _THRESHOLD_DATA,
            "rows": [asdict(row) for row in thresholds.rows],
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
    """Write a network's file and its sidecar; return the file's path.

    Raises:
        TrainingError: the folder is not writable.
    """
    path = folder / f"{description['name']}.tflite"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        write_sidecar(path.with_suffix(".json"), description)
    except OSError as error:
        raise TrainingError(
            f"{path}: {error.strerror or error}: the zoo needs a writable disk with free space"
        ) from error
    return path
