"""Training of the heads on features."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed: pip install 'facenode[train]'")

import tiny_network

from models.recipe.recipe import load_recipe
from models.training.heads import Examples, TrainedHeads, people_means, train_heads

RECIPE = load_recipe(Path(__file__).resolve().parents[4] / "models" / "configs" / "mobilefacenet.toml")


def _separable() -> Examples:
    """Return examples with the age group in one channel; half of them have a known ethnicity."""
    rng = np.random.default_rng(1)
    age = np.arange(600) % 3
    ethnicity = np.where(np.arange(600) < 300, np.arange(600) % 5, -1)
    taps = {tap: rng.normal(size=(600, 8)).astype(np.float32) for tap in tiny_network.LENGTHS}
    taps["last_top"][:, 0] += 6 * age
    taps["stage7"][:, 1] += 6 * np.maximum(ethnicity, 0)
    targets = {"age": np.eye(3, dtype=np.float32)[age], "ethnicity": np.eye(5, dtype=np.float32)[ethnicity]}
    return Examples(taps, {"age": age, "ethnicity": ethnicity}, targets, np.ones(600, dtype=np.float32))


def _train(examples: Examples, seed: int) -> TrainedHeads:
    training = RECIPE.training.model_copy(update={"epochs": 30, "batch": 32})
    return train_heads(RECIPE.heads.groups, examples, training, seed)


def test_heads_learn_separable_classes() -> None:
    """Classes that one channel separates are predicted for at least 95 % of the examples."""
    examples = _separable()
    trained = _train(examples, 1)
    assert np.mean(trained.predict("age", examples.taps) == examples.labels["age"]) >= 0.95
    known = examples.labels["ethnicity"] >= 0
    right = trained.predict("ethnicity", examples.taps) == examples.labels["ethnicity"]
    assert np.mean(right[known]) >= 0.95


def test_heads_are_reproducible() -> None:
    """Recipe and pictures determine the weights."""
    examples = _separable()
    first, second = _train(examples, 7), _train(examples, 7)
    for name, group in first.groups.items():
        assert np.array_equal(group.kernel, second.groups[name].kernel)


def test_people_are_the_means_of_unit_embeddings() -> None:
    """The length of an embedding does not count."""
    embeddings = np.array([[10, 0], [0, 1], [-3, 0]], dtype=np.float32)
    means = people_means(embeddings, np.array([0, 0, 1]), ("a", "b"))
    assert means == pytest.approx(np.array([[0.5**0.5, 0.5**0.5], [-1, 0]]))
