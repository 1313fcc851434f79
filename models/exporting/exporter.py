"""A recipe and its checkpoint -> the bytes of a network's file, and the thresholds measured with it."""

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
    """Return a network's TFLite file; one that is quantised shall be even.

    Args:
        recipe: what it is made by.
        checkpoint: the trained network.
        form: how it is quantised.
        crops: typical inputs, which show the ranges of the channels; shape (n, height, width, 3), uint8, RGB.
    """
    plan, size = BACKBONES[recipe.backbone](), recipe.input.size
    base = keras_backbone(plan, checkpoint.convolutions, size, split_prelu=form == "int8")
    sharpness = recipe.heads.identity.sharpness
    model = keras_network(base, checkpoint.means, sharpness, checkpoint.scales, checkpoint.groups)
    return to_tflite(model, form, crops)


def equalised_checkpoint(
    recipe: Recipe, checkpoint: Checkpoint, form: Quantisation, crops: npt.NDArray[np.uint8]
) -> Checkpoint:
    """Return a network that answers the same and loses less when it is quantised; arguments as of `build`."""
    plan = BACKBONES[recipe.backbone]()
    base = keras_backbone(plan, checkpoint.convolutions, recipe.input.size)
    found = equalise(plan, checkpoint.convolutions, channel_ranges(plan, base, crops, before=form == "int8"))
    read = {tap: found.divided[band.step] for tap, band in plan.taps.items() if band.step in found.divided}
    scales = {tap: checkpoint.scales[tap].divided(divided) for tap, divided in read.items()}
    return replace(checkpoint, convolutions=found.convolutions, scales={**checkpoint.scales, **scales})


def representative_crops(recipe: Recipe, data: Path) -> npt.NDArray[np.uint8]:
    """Return training pictures, evenly chosen, as the network sees them."""
    samples = read(data, recipe.equalisation.data, ("train",))
    chosen = samples[:: max(1, len(samples) // recipe.equalisation.pictures)]
    return load_crops("typical faces", chosen, Cut(recipe.input.points, recipe.input.size)).images


def measure_thresholds(recipe: Recipe, content: bytes, data: Path) -> Thresholds:
    """Measure the thresholds with a network's own file, through the runtime that a node uses."""

    def seen(name: str, split: str) -> tuple[tuple[Sample, ...], Arrays]:
        what = f"{name} {split}"
        crops = load_crops(what, read(data, name, (split,)), Cut(recipe.input.points, recipe.input.size))
        answers = load_features(what, crops.images, content, recipe.input.size)
        return crops.samples, {head: scores[:, 0] for head, scores in answers.items()}

    others = [seen("lfw_people", "val"), seen("strangers", "val")]
    strangers: dict[str, dict[str, Array]] = {EMBEDDING: {}, IDENTITY: {}}
    for (samples, answers), (head, found) in product(others, strangers.items()):
        found.update(by_person(samples, answers[head]))
    samples, answers = seen("lfw_people", "calibration")
    rows = threshold_table(by_person(samples, answers[EMBEDDING]), strangers[EMBEDDING], recipe.seed)
    return Thresholds(rows, reject_score(strangers[IDENTITY]))
