"""A recipe and the face data -> a distilled backbone: connects student, teacher and batches."""

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
from models.training.batches import Batches, TrainingSet
from models.training.curves import write_curves
from models.training.distiller import Distiller, TrainingProgress
from models.training.run_folder import RunFolder

_FACES = 512  # to measure the first statistics of batch norm


def distil(recipe: Recipe, data: Path) -> tuple[Convolution, ...]:
    """Train the recipe's backbone, or resume it from its last checkpoint, and return its convolutions.

    Raises:
        TrainingError: the recipe has no [distillation], or a checkpoint cannot be read or written.
        DataError: pictures or pretrained weights are missing or damaged.
    """
    settings = recipe.distillation
    if settings is None:
        raise TrainingError(f"{recipe.name}: the recipe has no [distillation]: add the section, or use another recipe")
    batches, faces = load_batches(recipe, settings, data)
    torch.manual_seed(recipe.seed)
    plan = BACKBONES[recipe.backbone]()
    student = TorchNetwork(plan, {name: len(head.labels) for name, head in recipe.heads.groups.items()})
    folder = RunFolder(recipe.name)
    key = digest(_training_key(recipe, settings))
    distiller = Distiller(student, batches, settings, folder, key, balance=recipe.training.class_balance)
    done = distiller.resume()
    if done:
        print(f"resuming from {folder.path}: step {done} of {settings.steps}", flush=True)
    else:
        student.load_weights(read_pretrained(plan, data / recipe.weights.file, recipe.weights.sha256), faces)
    distiller.train(_print_progress)
    print(f"{write_curves(distiller.curve, folder.path)}: loss curves; losses.csv beside it has each step", flush=True)
    return student.folded()


def _training_key(recipe: Recipe, settings: Distillation) -> str:
    """Return all that a checkpoint depends on, except length and decay, which its learning rate shows."""
    label_targets = [
        (name, head.labels, head.data, head.borders, head.spread_years) for name, head in recipe.heads.groups.items()
    ]
    fixed = settings.model_dump_json(exclude={"steps", "save_steps", "fall_share", "settled_rate"})
    sets = [*(part.model_dump_json() for part in (recipe.weights, recipe.input, recipe.views)), fixed]
    return repr((recipe.backbone, recipe.seed, recipe.every, recipe.training.class_balance, label_targets, sets))


def load_batches(recipe: Recipe, settings: Distillation, data: Path) -> tuple[Batches, torch.Tensor]:
    """Return the training batches, and some of their pictures, shape (n, height, width, 3), uint8."""
    teacher = teacher_backbone(settings.teacher, data, recipe.input.size)
    sets = []
    for name, share in settings.data.items():
        what = f"{name} train"
        cut = Cut(recipe.input.points, recipe.input.size, recipe.views.margin_px)
        crops = load_crops(what, read(data, name, ("train",))[:: recipe.every], cut)
        features = load_features(what, crops.images, teacher, recipe.input.size, views=recipe.views, seed=recipe.seed)
        label_targets: dict[str, Array] = {
            head: targets_of(crops.samples, head, group)
            if name in group.data
            else np.zeros((len(crops.samples), len(group.labels)), dtype=np.float32)
            for head, group in recipe.heads.groups.items()
        }
        sets.append(TrainingSet(crops.images, features[EMBEDDING], label_targets, share))
    faces = [
        centre_crop(crop, recipe.input.size) for part in sets for crop in part.crops[:: len(part.crops) // 100 or 1]
    ]
    chosen = np.stack(faces[:: max(1, len(faces) // _FACES)])
    return Batches(sets, recipe.input.size, settings.views, recipe.seed), torch.from_numpy(chosen)


def teacher_backbone(weights: Weights, data: Path, size: tuple[int, int]) -> bytes:
    """Return the teacher, a MobileFaceNet, as the content of a TFLite file.

    Args:
        weights: its file.
        data: the folder of face data.
        size: height and width of its input, pixels.

    Raises:
        DataError: the file is missing or damaged, or holds another network.
    """
    convolutions = read_convolutions(data / weights.file, weights.sha256)
    return to_tflite(keras_backbone(BACKBONES["mobilefacenet"](), convolutions, size))


def _print_progress(course: TrainingProgress) -> None:
    losses = ", ".join(f"{name} {value:.4f}" for name, value in course.losses.items())
    print(
        f"step {course.step}/{course.steps}, {course.left_s / 60:.0f} min left, {course.views_per_s:.0f} views/s: "
        f"{losses}",
        flush=True,
    )
