"""A recipe and the face data -> trained heads, and what they reach on validation pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.arrays import Array
from models.command import Progress
from models.data.cache import Arrays
from models.data.crops import Cut, load_crops
from models.data.features import load_features
from models.data.manifests import read
from models.data.samples import Sample, count_labels
from models.data.targets import cell_weights, labels_of, targets_of
from models.names import EMBEDDING, IDENTITY
from models.networks.backbones import BACKBONES
from models.networks.checkpoint import Checkpoint
from models.networks.convolution import Convolution
from models.networks.keras_network import keras_backbone
from models.networks.tflite_converter import to_tflite
from models.networks.tflite_weights import read_convolutions
from models.recipe.recipe import Recipe
from models.recipe.sections import GroupHead
from models.training.distillation import distil, teacher_backbone
from models.training.heads import Examples, TrainedHeads, people_means, train_heads
from models.training.soft_labels import with_soft_labels
from models.training.temperature import hold_out, with_temperatures


@dataclass(frozen=True, slots=True, eq=False)
class FeatureSet:
    """Samples and what the backbone says of their views; `taps` by name, each of shape (n, views, channels)."""

    samples: tuple[Sample, ...]
    taps: Arrays

    def labels(self, head: str, known: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return the number of each sample's label among those known, shape (n,)."""
        count_labels(self.samples, head, known)
        return labels_of(self.samples, head, known)


class Trainer:
    """One training from pictures to a checkpoint.

    Args:
        recipe: what it depends on.
        data: the folder of face data.
        kept: a network's file in float32, whose backbone is taken as it is; None makes the recipe's.

    Raises:
        DataError: weights or pictures are missing, damaged, or those of another network.
    """

    def __init__(self, recipe: Recipe, data: Path, kept: Path | None = None) -> None:
        self._recipe = recipe
        self._data = data
        self._convolutions = _convolutions(recipe, data) if kept is None else read_convolutions(kept)
        plan = BACKBONES[recipe.backbone]()
        self._backbone = to_tflite(keras_backbone(plan, self._convolutions, recipe.input.size))

    def see(self, name: str, split: str) -> FeatureSet:
        """Return a split of a data set as the backbone sees it; in varied views if it is to be trained on."""
        return self._seen(name, split, self._backbone)

    def _seen(self, name: str, split: str, content: bytes) -> FeatureSet:
        recipe, training = self._recipe, split == "train"
        cut = Cut(recipe.input.points, recipe.input.size, recipe.views.margin_px if training else 0)
        what = f"{name} {split}"
        samples = read(self._data, name, (split,))
        crops = load_crops(what, samples[:: recipe.every if training else 1], cut)
        if crops.missed:
            print(f"{what}: no face found in {len(crops.missed)} of {len(crops.missed) + len(crops.samples)} pictures")
        taps = load_features(
            what,
            crops.images,
            content,
            recipe.input.size,
            views=recipe.views if training else None,
            seed=recipe.seed,
        )
        return FeatureSet(crops.samples, taps)

    def train(self) -> Checkpoint:
        """Train the heads."""
        recipe = self._recipe
        names = dict.fromkeys(name for head in recipe.heads.groups.values() for name in head.data)
        seen = {name: self.see(name, "train") for name in dict.fromkeys((*names, *recipe.heads.identity.data))}
        pictures = len(seen[next(iter(names))].samples)
        examples = _examples([(name, seen[name]) for name in names], recipe)
        trainings = 2 + (recipe.guidance.folds if recipe.guidance else 0)
        taught = self._taught(tuple(names), examples)
        with Progress("train the heads, epochs", trainings * recipe.training.epochs) as progress:
            examples = with_soft_labels(examples, *taught, recipe, progress.advance)
            most, held = hold_out(examples, pictures, recipe.views.count)
            others, trained = (
                train_heads(recipe.heads.groups, part, recipe.training, recipe.seed, progress.advance)
                for part in (most, examples)
            )
        trained = with_temperatures(trained, others, held)
        people, means = _closed_set([seen[name] for name in recipe.heads.identity.data])
        return Checkpoint(self._convolutions, people, means, trained.scales, trained.groups)

    def _taught(self, names: Sequence[str], examples: Examples) -> tuple[Arrays, npt.NDArray[np.bool_]]:
        """Return what the teacher's backbone sees in the examples, and which of them its heads are asked about."""
        recipe = self._recipe
        if recipe.guidance is None:
            return {}, np.zeros(len(examples.emphasis), dtype=bool)
        distilled = recipe.distillation
        content = teacher_backbone(distilled.teacher, self._data, recipe.input.size) if distilled else self._backbone
        parts = [(name, self._seen(name, "train", content)) for name in names]
        asked = [np.full(len(seen.samples), name in recipe.guidance.data) for name, seen in parts]
        return _taps([seen for _, seen in parts]), np.repeat(np.concatenate(asked), recipe.views.count)

    def reached(self, checkpoint: Checkpoint) -> dict[str, tuple[float, int]]:
        """Return by head the share of right answers on validation pictures, and how many these are."""
        found: dict[str, tuple[float, int]] = {}
        trained = TrainedHeads(checkpoint.scales, checkpoint.groups)
        for name, head in self._recipe.heads.groups.items():
            seen = self.see(head.data[0], "val")
            plain = {tap: values[:, 0] for tap, values in seen.taps.items()}
            right = trained.answers(name, plain) == seen.labels(name, head.labels)
            found[name] = float(right.mean()), len(right)
        seen = self.see(self._recipe.heads.identity.data[0], "val")
        nearest = np.argmax(seen.taps[EMBEDDING][:, 0] @ checkpoint.means.T, axis=1)
        right = nearest == seen.labels(IDENTITY, checkpoint.people)
        found[IDENTITY] = float(right.mean()), len(right)
        return found


def _convolutions(recipe: Recipe, data: Path) -> tuple[Convolution, ...]:
    """Return the backbone's weights: distilled, or those of a MobileFaceNet as they are."""
    if recipe.distillation:
        return distil(recipe, data)
    return read_convolutions(data / recipe.weights.file, recipe.weights.sha256)


def _examples(parts: Sequence[tuple[str, FeatureSet]], recipe: Recipe) -> Examples:
    """Return every view of every sample as an example; a head that a data set is not for gets -1 as its label."""
    given: dict[str, float] = {str(part): factor for part, factor in recipe.training.emphasis.items()}
    emphasis = [np.full(len(seen.samples), given.get(part, 1.0)) for part, seen in parts]
    labels: dict[str, npt.NDArray[np.int64]] = {}
    targets: Arrays = {}
    for name, head in recipe.heads.groups.items():
        count_labels(
            [sample for part, seen in parts if part in head.data for sample in seen.samples], name, head.labels
        )
        found = [
            _learnt(seen.samples, name, head) if part in head.data else _left_out(seen.samples, head)
            for part, seen in parts
        ]
        labels[name], targets[name] = (
            np.repeat(np.concatenate(rows), recipe.views.count, axis=0) for rows in zip(*found, strict=True)
        )
    cells = cell_weights([sample for _, seen in parts for sample in seen.samples], recipe.training.cell_balance)
    weights = np.repeat(np.concatenate(emphasis) * cells, recipe.views.count).astype(np.float32)
    return Examples(_taps([seen for _, seen in parts]), labels, targets, weights)


def _taps(parts: Sequence[FeatureSet]) -> Arrays:
    """Return every view of every sample, by tap of shape (n, channels)."""
    return {
        tap: np.concatenate([seen.taps[tap].reshape(-1, seen.taps[tap].shape[-1]) for seen in parts])
        for tap in parts[0].taps
    }


def _learnt(samples: Sequence[Sample], name: str, head: GroupHead) -> tuple[npt.NDArray[np.int64], Array]:
    return labels_of(samples, name, head.labels), targets_of(samples, name, head)


def _left_out(samples: Sequence[Sample], head: GroupHead) -> tuple[npt.NDArray[np.int64], Array]:
    return np.full(len(samples), -1), np.zeros((len(samples), len(head.labels)), dtype=np.float32)


def _closed_set(parts: Sequence[FeatureSet]) -> tuple[tuple[str, ...], Array]:
    """Return the people in the order of their ids, and the mean embedding of each over pictures as they are."""
    people = tuple(sorted({sample.person for seen in parts for sample in seen.samples}))
    embeddings = np.concatenate([seen.taps[EMBEDDING][:, 0] for seen in parts])
    labels = np.concatenate([seen.labels(IDENTITY, people) for seen in parts])
    return people, people_means(embeddings, labels, people)
