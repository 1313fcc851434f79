"""A recipe and its checkpoint -> the network's files in the zoo, each with its sidecar.

`python -m models.export models/configs/mobilefacenet.toml`

The same recipe, checkpoint and TensorFlow give the same bytes again.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.architecture import EMBEDDING, INPUT, backbone, channel_ranges, inner_layers, network
from models.cache import Arrays
from models.calibrate import ANCHORS, Row, by_person, reject_score, threshold_table
from models.checkpoint import Checkpoint, load_checkpoint, place
from models.command import run
from models.convert import Quantisation, to_tflite
from models.dataset import Cut, load_crops
from models.equalise import equalised
from models.errors import TrainingError
from models.features import load_features
from models.manifests import Sample, data_folder, read
from models.recipe import Recipe, load_recipe
from models.vectors import Array
from models.weights import Convolution, read_convolutions

ZOO = Path(__file__).resolve().parent / "zoo"
QUANTISATIONS: tuple[Quantisation, ...] = ("float32", "dynamic")

_CALIBRATION = (
    "strangers: the people of LFW in lfw_people val and lfw9/unknown val; galleries: drawn at random from the people "
    "of lfw_people train with five pictures or more, none of whom the network was trained on; the stricter of one "
    "look and of the mean of up to five; identity.reject: 1 % of the same strangers"
)


def build(
    recipe: Recipe,
    checkpoint: Checkpoint,
    convolutions: Sequence[Convolution],
    form: Quantisation,
    crops: npt.NDArray[np.uint8],
) -> bytes:
    """Return a network's TFLite file; a quantised one is equalised first, which changes no answer by itself.

    Args:
        recipe: what it is made by.
        checkpoint: the trained heads.
        convolutions: weights of the backbone.
        form: how it is quantised.
        crops: typical inputs, which show the ranges of the channels; shape (n, height, width, 3), uint8, RGB.
    """
    base, scales = backbone(convolutions, recipe.input.size), dict(checkpoint.scales)
    if form != "float32":
        even = equalised(convolutions, channel_ranges(base, crops))
        base = backbone(even.convolutions, recipe.input.size)
        divided = {inner_layers()[number]: scale for number, scale in even.divided.items()}
        scales |= {tap: scales[tap].divided(divided[tap]) for tap in scales if tap in divided}
    model = network(base, checkpoint.means, recipe.heads.identity.sharpness, scales, checkpoint.groups)
    return to_tflite(model, form)


def typical_crops(recipe: Recipe, data: Path) -> npt.NDArray[np.uint8]:
    """Return training pictures, evenly chosen, as the network sees them."""
    samples = read(data, recipe.equalisation.data, ("train",))
    chosen = samples[:: max(1, len(samples) // recipe.equalisation.pictures)]
    return load_crops("typical faces", chosen, Cut(recipe.input.points, recipe.input.size)).images


@dataclass(frozen=True, slots=True)
class Calibration:
    """What decides who is a stranger: the table of thresholds, and the score below which the closed set rejects."""

    rows: tuple[Row, ...]
    reject: float


def calibrate(recipe: Recipe, content: bytes, data: Path) -> Calibration:
    """Measure the thresholds with a network's own file, through the runtime that a node uses."""

    def seen(name: str, split: str) -> tuple[tuple[Sample, ...], Arrays]:
        what = f"{name} {split}"
        crops = load_crops(what, read(data, name, (split,)), Cut(recipe.input.points, recipe.input.size))
        answers = load_features(what, crops.images, content, recipe.input.size)
        return crops.samples, {head: scores[:, 0] for head, scores in answers.items()}

    others = [seen("lfw_people", "val"), seen("strangers", "val")]
    strangers: dict[str, dict[str, Array]] = {EMBEDDING: {}, "identity": {}}
    for (samples, answers), (head, found) in product(others, strangers.items()):
        found.update(by_person(samples, answers[head]))
    samples, answers = seen("lfw_people", "train")
    rows = threshold_table(by_person(samples, answers[EMBEDDING]), strangers[EMBEDDING], recipe.seed)
    return Calibration(rows, reject_score(strangers["identity"]))


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
            "identity": {"labels": list(checkpoint.people), "reject": calibration.reject},
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
        crops = typical_crops(recipe, data)
        for form in QUANTISATIONS:
            content = build(recipe, checkpoint, convolutions, form, crops)
            calibration = calibrate(recipe, content, data)
            path = write(given.zoo, sidecar(recipe, checkpoint, calibration, content, form), content)
            print(f"{path}: {len(content) / 1e6:.2f} MB")

    return run(export)


if __name__ == "__main__":
    sys.exit(main())
