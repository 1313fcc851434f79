"""A recipe and its checkpoint -> the network's files in the zoo, each with its sidecar.

`python -m models.export models/configs/mobilefacenet.toml`

The same recipe, checkpoint and TensorFlow give the same bytes again.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.architecture import EMBEDDING, INPUT, backbone, network, private_pairs
from models.calibrate import ANCHORS, Row, by_person, threshold_table
from models.checkpoint import Checkpoint, load_checkpoint, place
from models.command import run
from models.convert import Quantisation, to_tflite
from models.dataset import Cut, load_crops
from models.equalise import equalised
from models.errors import TrainingError
from models.features import load_features
from models.manifests import data_folder, read
from models.recipe import Recipe, load_recipe
from models.vectors import Array, unit_rows
from models.weights import Convolution, read_convolutions

ZOO = Path(__file__).resolve().parent / "zoo"
QUANTISATIONS: tuple[Quantisation, ...] = ("float32", "dynamic")

_CALIBRATION = (
    "strangers: the people of LFW in lfw_people val and lfw9/unknown val; galleries: drawn at random from the people "
    "of lfw_people train with five pictures or more, none of whom the network was trained on; the stricter of one "
    "look and of the mean of up to five"
)


def build(recipe: Recipe, checkpoint: Checkpoint, convolutions: Sequence[Convolution], form: Quantisation) -> bytes:
    """Return a network's TFLite file; a quantised one is equalised first, which changes no answer by itself."""
    if form != "float32":
        convolutions = equalised(convolutions, private_pairs())
    base = backbone(convolutions, recipe.input.size)
    sharpness = recipe.heads.identity.sharpness
    model = network(base, checkpoint.means, sharpness, checkpoint.scales, checkpoint.groups)
    return to_tflite(model, form)


def thresholds(recipe: Recipe, content: bytes, data: Path) -> tuple[Row, ...]:
    """Measure the table of thresholds with a network's own file, through the runtime that a node uses."""

    def embedded(name: str, split: str) -> dict[str, Array]:
        what = f"{name} {split}"
        crops = load_crops(what, read(data, name, (split,)), Cut(recipe.input.points, recipe.input.size))
        features = load_features(what, crops.images, content, recipe.input.size)
        return by_person(crops.samples, unit_rows(features[EMBEDDING][:, 0]))

    strangers = embedded("lfw_people", "val") | embedded("strangers", "val")
    return threshold_table(embedded("lfw_people", "train"), strangers, recipe.seed)


def sidecar(
    recipe: Recipe, checkpoint: Checkpoint, rows: Sequence[Row], content: bytes, form: Quantisation
) -> dict[str, Any]:
    """Return the description of a network's file, as the contract wants it; `metrics` are written by `evaluate`.

    Args:
        recipe: what it was made by.
        checkpoint: with the people of the closed set.
        rows: the table of thresholds.
        content: of the file.
        form: how it is quantised.
    """
    groups = {name: {"labels": list(head.labels)} for name, head in recipe.heads.groups.items()}
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
            "embedding": {"length": checkpoint.means.shape[1], "space": recipe.space},
            "identity": {"labels": list(checkpoint.people)},
            **groups,
        },
        "thresholds": {"anchors_per_person": ANCHORS, "data": _CALIBRATION, "rows": [asdict(row) for row in rows]},
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m models.export", description="Export a trained network.")
    parser.add_argument("recipe", type=Path, help="a file such as models/configs/mobilefacenet.toml")
    parser.add_argument("--zoo", type=Path, default=ZOO, help="where the files go")
    given = parser.parse_args(arguments)

    def export() -> None:
        recipe = load_recipe(given.recipe)
        data = data_folder()
        checkpoint = load_checkpoint(place(recipe.name), tuple(recipe.heads.groups))
        convolutions = read_convolutions(data / recipe.weights.file, recipe.weights.sha256)
        for form in QUANTISATIONS:
            content = build(recipe, checkpoint, convolutions, form)
            rows = thresholds(recipe, content, data)
            path = write(given.zoo, sidecar(recipe, checkpoint, rows, content, form), content)
            print(f"{path}: {len(content) / 1e6:.2f} MB")

    return run(export)


if __name__ == "__main__":
    sys.exit(main())
