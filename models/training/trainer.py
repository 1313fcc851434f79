"""A recipe and the face data -> a checkpoint, and its accuracy on validation pictures."""

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
    """Samples and the backbone's features of their views; `taps` by name, each of shape (n, views, channels)."""

    samples: tuple[Sample, ...]
    taps: Arrays

    def label_numbers(self, head: str, known: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return the index of each sample's label in `known`, shape (n,)."""
        count_labels(self.samples, head, known)
        return labels_of(self.samples, head, known)


class Trainer:
    """Train a network from pictures to a checkpoint.

    Args:
        recipe: the recipe.
        data: the folder of face data.
        kept: a float32 `.tflite` file whose backbone is kept; None makes the recipe's backbone.

    Raises:
        DataError: weights or pictures are missing or damaged, or the weights are those of another network.
    """

    def __init__(self, recipe: Recipe, data: Path, kept: Path | None = None) -> None:
        self._recipe = recipe
        self._data = data
        self._convolutions = _convolutions(recipe, data) if kept is None else read_convolutions(kept)
        plan = BACKBONES[recipe.backbone]()
        self._backbone = to_tflite(keras_backbone(plan, self._convolutions, recipe.input.size))

    def features_of(self, name: str, split: str) -> FeatureSet:
        """Return the backbone's features of a split of a data set; the training split in augmented views."""
        return self._features(name, split, self._backbone)

    def _features(self, name: str, split: str, content: bytes) -> FeatureSet:
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
        features = {
            name: self.features_of(name, "train") for name in dict.fromkeys((*names, *recipe.heads.identity.data))
        }
        pictures = len(features[next(iter(names))].samples)
        examples = _examples([(name, features[name]) for name in names], recipe)
        trainings = 2 + (recipe.guidance.folds if recipe.guidance else 0)
        soft = self._teacher_features(tuple(names), examples)
        with Progress("train the heads, epochs", trainings * recipe.training.epochs) as progress:
            examples = with_soft_labels(examples, *soft, recipe, progress.advance)
            reduced, held = hold_out(examples, pictures, recipe.views.count)
            others, trained = (
                train_heads(recipe.heads.groups, part, recipe.training, recipe.seed, progress.advance)
                for part in (reduced, examples)
            )
        trained = with_temperatures(trained, others, held)
        people, means = _closed_set([features[name] for name in recipe.heads.identity.data])
        return Checkpoint(self._convolutions, people, means, trained.scales, trained.groups)

    def _teacher_features(self, names: Sequence[str], examples: Examples) -> tuple[Arrays, npt.NDArray[np.bool_]]:
        """Return the teacher's features of the examples, and the mask of the examples that get soft labels."""
        recipe = self._recipe
        if recipe.guidance is None:
            return {}, np.zeros(len(examples.emphasis), dtype=bool)
        distilled = recipe.distillation
        content = teacher_backbone(distilled.teacher, self._data, recipe.input.size) if distilled else self._backbone
        parts = [(name, self._features(name, "train", content)) for name in names]
        masks = [np.full(len(features.samples), name in recipe.guidance.data) for name, features in parts]
        return _taps([features for _, features in parts]), np.repeat(np.concatenate(masks), recipe.views.count)

    def validate(self, checkpoint: Checkpoint) -> dict[str, tuple[float, int]]:
        """Return by head the accuracy on validation pictures, and the number of these."""
        found: dict[str, tuple[float, int]] = {}
        trained = TrainedHeads(checkpoint.scales, checkpoint.groups)
        for name, head in self._recipe.heads.groups.items():
            features = self.features_of(head.data[0], "val")
            unvaried = {tap: values[:, 0] for tap, values in features.taps.items()}
            right = trained.predict(name, unvaried) == features.label_numbers(name, head.labels)
            found[name] = float(right.mean()), len(right)
        features = self.features_of(self._recipe.heads.identity.data[0], "val")
        nearest = np.argmax(features.taps[EMBEDDING][:, 0] @ checkpoint.means.T, axis=1)
        right = nearest == features.label_numbers(IDENTITY, checkpoint.people)
        found[IDENTITY] = float(right.mean()), len(right)
        return found


def _convolutions(recipe: Recipe, data: Path) -> tuple[Convolution, ...]:
    """Return the backbone's weights: distilled, or unchanged from the recipe's file."""
    if recipe.distillation:
        return distil(recipe, data)
    return read_convolutions(data / recipe.weights.file, recipe.weights.sha256)


def _examples(parts: Sequence[tuple[str, FeatureSet]], recipe: Recipe) -> Examples:
    """Return every view of every sample as an example; the label is -1 where a head does not use the data set."""
    given: dict[str, float] = {str(part): factor for part, factor in recipe.training.emphasis.items()}
    emphasis = [np.full(len(features.samples), given.get(part, 1.0)) for part, features in parts]
    labels: dict[str, npt.NDArray[np.int64]] = {}
    targets: Arrays = {}
    for name, head in recipe.heads.groups.items():
        count_labels(
            [sample for part, features in parts if part in head.data for sample in features.samples],
            name,
            head.labels,
        )
        found = [
            _known_targets(features.samples, name, head)
            if part in head.data
            else _unknown_targets(features.samples, head)
            for part, features in parts
        ]
        labels[name], targets[name] = (
            np.repeat(np.concatenate(rows), recipe.views.count, axis=0) for rows in zip(*found, strict=True)
        )
    cells = cell_weights([sample for _, features in parts for sample in features.samples], recipe.training.cell_balance)
    weights = np.repeat(np.concatenate(emphasis) * cells, recipe.views.count).astype(np.float32)
    return Examples(_taps([features for _, features in parts]), labels, targets, weights)


def _taps(parts: Sequence[FeatureSet]) -> Arrays:
    """Return by tap the features of every view of every sample, shape (n, channels)."""
    return {
        tap: np.concatenate([features.taps[tap].reshape(-1, features.taps[tap].shape[-1]) for features in parts])
        for tap in parts[0].taps
    }


def _known_targets(samples: Sequence[Sample], name: str, head: GroupHead) -> tuple[npt.NDArray[np.int64], Array]:
    return labels_of(samples, name, head.labels), targets_of(samples, name, head)


def _unknown_targets(samples: Sequence[Sample], head: GroupHead) -> tuple[npt.NDArray[np.int64], Array]:
    return np.full(len(samples), -1), np.zeros((len(samples), len(head.labels)), dtype=np.float32)


def _closed_set(parts: Sequence[FeatureSet]) -> tuple[tuple[str, ...], Array]:
    """Return the people in the order of their ids, and the mean embedding of each over unvaried pictures."""
    people = tuple(sorted({sample.person for features in parts for sample in features.samples}))
    embeddings = np.concatenate([features.taps[EMBEDDING][:, 0] for features in parts])
    labels = np.concatenate([features.label_numbers(IDENTITY, people) for features in parts])
    return people, people_means(embeddings, labels, people)
