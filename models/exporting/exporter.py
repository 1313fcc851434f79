"""A recipe and its checkpoint -> the content of a network's file, and the thresholds measured with it."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.arrays import Array
from models.data.cache import Arrays
from models.data.crops import Cut, load_crops
from models.data.features import load_features
from models.data.manifests import read
from models.data.samples import Sample
from models.evaluation.thresholds import Thresholds, by_person, reject_score, threshold_table
from models.names import EMBEDDING, IDENTITY, Quantisation
from models.networks.backbones import BACKBONES
from models.networks.checkpoint import Checkpoint
from models.networks.equalisation import equalise
from models.networks.keras_network import channel_ranges, keras_backbone, keras_network
from models.networks.tflite_converter import to_tflite
from models.recipe.recipe import Recipe


def build(
    recipe: Recipe,
    checkpoint: Checkpoint,
    form: Quantisation,
    crops: npt.NDArray[np.uint8],
) -> bytes:
    """Return a network's TFLite file.

    Args:
        recipe: the recipe.
        checkpoint: the trained network; equalise it first if `form` is quantised.
        form: the quantisation.
        crops: representative inputs that give the value ranges, shape (n, height, width, 3), uint8, RGB.
    """
    plan, size = BACKBONES[recipe.backbone](), recipe.input.size
    base = keras_backbone(plan, checkpoint.convolutions, size, split_prelu=form == "int8")
    sharpness = recipe.heads.identity.sharpness
    model = keras_network(base, checkpoint.means, sharpness, checkpoint.scales, checkpoint.groups)
    return to_tflite(model, form, crops)


def equalised_checkpoint(
    recipe: Recipe, checkpoint: Checkpoint, form: Quantisation, crops: npt.NDArray[np.uint8]
) -> Checkpoint:
    """Return the same function with equalised channels, which loses less when quantised; arguments as for `build`."""
    plan = BACKBONES[recipe.backbone]()
    base = keras_backbone(plan, checkpoint.convolutions, recipe.input.size)
    found = equalise(plan, checkpoint.convolutions, channel_ranges(plan, base, crops, before=form == "int8"))
    read = {tap: found.divided[band.step] for tap, band in plan.taps.items() if band.step in found.divided}
    scales = {tap: checkpoint.scales[tap].divided(divided) for tap, divided in read.items()}
    return replace(checkpoint, convolutions=found.convolutions, scales={**checkpoint.scales, **scales})


def representative_crops(recipe: Recipe, data: Path) -> npt.NDArray[np.uint8]:
    """Return aligned faces of training pictures, evenly chosen."""
    samples = read(data, recipe.equalisation.data, ("train",))
    chosen = samples[:: max(1, len(samples) // recipe.equalisation.pictures)]
    return load_crops("representative faces", chosen, Cut(recipe.input.points, recipe.input.size)).images


def measure_thresholds(recipe: Recipe, content: bytes, data: Path) -> Thresholds:
    """Return the thresholds, measured with the network's file in the runtime of a node."""

    def predictions_of(name: str, split: str) -> tuple[tuple[Sample, ...], Arrays]:
        what = f"{name} {split}"
        crops = load_crops(what, read(data, name, (split,)), Cut(recipe.input.points, recipe.input.size))
        outputs = load_features(what, crops.images, content, recipe.input.size)
        return crops.samples, {head: scores[:, 0] for head, scores in outputs.items()}

    others = [predictions_of("lfw_people", "val"), predictions_of("strangers", "val")]
    strangers: dict[str, dict[str, Array]] = {EMBEDDING: {}, IDENTITY: {}}
    for (samples, outputs), (head, found) in product(others, strangers.items()):
        found.update(by_person(samples, outputs[head]))
    samples, outputs = predictions_of("lfw_people", "calibration")
    rows = threshold_table(by_person(samples, outputs[EMBEDDING]), strangers[EMBEDDING], recipe.seed)
    return Thresholds(rows, reject_score(strangers[IDENTITY]))
