"""A recipe and the face data -> a distilled backbone: puts student, teacher and lessons together."""

from pathlib import Path

import numpy as np
import torch

from models.arrays import Array
from models.data.augment import centre_crop
from models.data.cache import digest
from models.data.crops import Cut, load_crops
from models.data.features import load_features
from models.data.manifests import read
from models.data.targets import targets_of
from models.errors import TrainingError
from models.names import EMBEDDING
from models.networks.backbones import BACKBONES
from models.networks.convolution import Convolution
from models.networks.keras_network import keras_backbone
from models.networks.pretrained import read_pretrained
from models.networks.tflite_converter import to_tflite
from models.networks.tflite_weights import read_convolutions
from models.networks.torch_network import TorchNetwork
from models.recipe.recipe import Recipe
from models.recipe.sections import Distillation, Weights
from models.training.batches import Batches, Part
from models.training.curves import write_curves
from models.training.distiller import Distiller, TrainingProgress
from models.training.run_folder import RunFolder

_FACES = 512  # show a network that was never trained with batch norm what its layers give


def distil(recipe: Recipe, data: Path) -> tuple[Convolution, ...]:
    """Train the recipe's backbone, or go on where it stopped, and return its convolutions.

    Raises:
        TrainingError: the recipe has no distillation, or a checkpoint cannot be read or written.
        DataError: pictures or starting weights are missing or damaged.
    """
    settings = recipe.distillation
    if settings is None:
        raise TrainingError(f"{recipe.name}: the recipe has no [distillation]")
    batches, faces = load_batches(recipe, settings, data)
    torch.manual_seed(recipe.seed)
    plan = BACKBONES[recipe.backbone]()
    student = TorchNetwork(plan, {name: len(head.labels) for name, head in recipe.heads.groups.items()})
    folder = RunFolder(recipe.name)
    key = digest(_training_key(recipe, settings))
    distiller = Distiller(student, batches, settings, folder, key, balance=recipe.training.class_balance)
    done = distiller.resume()
    if done:
        print(f"goes on from {folder.path}: step {done} of {settings.steps}", flush=True)
    else:
        student.start(read_pretrained(plan, data / recipe.weights.file, recipe.weights.sha256), faces)
    distiller.train(_say)
    print(
        f"{write_curves(distiller.curve, folder.path)}: the losses of each step, and losses.csv beside it", flush=True
    )
    return student.folded()


def _training_key(recipe: Recipe, settings: Distillation) -> str:
    """Return all that the training depends on, but its length and its fall, which a checkpoint's rate tells."""
    answers = [
        (name, head.labels, head.data, head.borders, head.spread_years) for name, head in recipe.heads.groups.items()
    ]
    fixed = settings.model_dump_json(exclude={"steps", "save_steps", "fall_share", "settled_rate"})
    parts = [*(part.model_dump_json() for part in (recipe.weights, recipe.input, recipe.views)), fixed]
    return repr((recipe.backbone, recipe.seed, recipe.every, recipe.training.class_balance, answers, parts))


def load_batches(recipe: Recipe, settings: Distillation, data: Path) -> tuple[Batches, torch.Tensor]:
    """Return what a backbone learns from, and some of its pictures, shape (n, height, width, 3), uint8."""
    content = teacher_backbone(settings.teacher, data, recipe.input.size)
    parts = []
    for name, share in settings.data.items():
        what = f"{name} train"
        cut = Cut(recipe.input.points, recipe.input.size, recipe.views.margin_px)
        crops = load_crops(what, read(data, name, ("train",))[:: recipe.every], cut)
        seen = load_features(what, crops.images, content, recipe.input.size, views=recipe.views, seed=recipe.seed)
        answers: dict[str, Array] = {
            head: targets_of(crops.samples, head, group)
            if name in group.data
            else np.zeros((len(crops.samples), len(group.labels)), dtype=np.float32)
            for head, group in recipe.heads.groups.items()
        }
        parts.append(Part(crops.images, seen[EMBEDDING], answers, share))
    faces = [
        centre_crop(crop, recipe.input.size) for part in parts for crop in part.crops[:: len(part.crops) // 100 or 1]
    ]
    chosen = np.stack(faces[:: max(1, len(faces) // _FACES)])
    return Batches(parts, recipe.input.size, settings.views, recipe.seed), torch.from_numpy(chosen)


def teacher_backbone(weights: Weights, data: Path, size: tuple[int, int]) -> bytes:
    """Return the content of the TFLite file of a MobileFaceNet, the backbone that teaches.

    Args:
        weights: its file.
        data: the folder of face data.
        size: height and width of its input, pixels.

    Raises:
        DataError: the file is missing, damaged, or that of another network.
    """
    convolutions = read_convolutions(data / weights.file, weights.sha256)
    return to_tflite(keras_backbone(BACKBONES["mobilefacenet"](), convolutions, size))


def _say(course: TrainingProgress) -> None:
    losses = ", ".join(f"{name} {value:.4f}" for name, value in course.losses.items())
    print(
        f"step {course.step}/{course.steps}, {course.left_s / 60:.0f} min left, {course.views_per_s:.0f} views/s: "
        f"{losses}",
        flush=True,
    )
