"""Soft labels from a teacher's heads."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed: pip install 'facenode[train]'")

from models.arrays import Array
from models.recipe.recipe import Recipe, load_recipe
from models.recipe.sections import Guidance
from models.training.heads import Examples
from models.training.soft_labels import with_soft_labels

CONFIGS = Path(__file__).resolve().parents[4] / "models" / "configs"
PICTURES, VIEWS = 150, 2
SHARE = 0.8


def _recipe(guidance: Guidance | None) -> Recipe:
    recipe = load_recipe(CONFIGS / "mobilefacenet.toml")
    training = recipe.training.model_copy(update={"epochs": 20, "batch": 16, "learning_rate": 0.01})
    views = recipe.views.model_copy(update={"count": VIEWS})
    return recipe.model_copy(update={"training": training, "views": views, "guidance": guidance})


GUIDED = _recipe(Guidance(data=("utkface",), folds=3, hidden=16, label_smoothing=0.0, share=SHARE))


def _examples() -> tuple[Examples, dict[str, Array]]:
    """Return examples with blank features, and a teacher's features that show their groups.

    The first picture has a wrong label; the ethnicity of the last third is unknown.
    """
    rng = np.random.default_rng(1)
    picture = np.arange(PICTURES * VIEWS) // VIEWS
    age, ethnicity = picture // 3 % 3, picture % 5
    seen = np.hstack([np.eye(3)[age], np.eye(5)[ethnicity]])
    taps = {"embedding": (seen + rng.normal(scale=0.1, size=seen.shape)).astype(np.float32)}
    age = np.where(picture == 0, 2, age)
    ethnicity = np.where(picture < PICTURES * 2 // 3, ethnicity, -1)
    targets = {"age": np.eye(3, dtype=np.float32)[age], "ethnicity": np.eye(6, dtype=np.float32)[ethnicity][:, :5]}
    blind = {"embedding": np.zeros((len(picture), 2), dtype=np.float32)}
    weights = np.ones(len(picture), dtype=np.float32)
    return Examples(blind, {"age": age, "ethnicity": ethnicity}, targets, weights), taps


def test_soft_labels_correct_a_wrong_label() -> None:
    """Heads that were not trained on a picture do not repeat its wrong label.

    A target keeps the label's share and gains most of the teacher's (tolerance 0.1); each sums to one.
    """
    examples, taps = _examples()
    softened = with_soft_labels(examples, taps, np.ones(len(examples.emphasis), dtype=bool), GUIDED)
    assert softened.targets["age"].sum(axis=1) == pytest.approx(np.ones(PICTURES * VIEWS), abs=1e-5)
    assert softened.targets["age"][0, 0] == pytest.approx(SHARE, abs=0.1)
    assert softened.targets["age"][0, 2] == pytest.approx(1 - SHARE, abs=0.1)
    assert np.mean(softened.targets["age"][VIEWS:].argmax(axis=1) == examples.labels["age"][VIEWS:]) >= 0.97


def test_unknown_labels_and_other_data_sets_are_unchanged() -> None:
    """Soft labels are made only for the data sets of [guidance], and only for known labels."""
    examples, taps = _examples()
    which = np.arange(PICTURES * VIEWS) % (3 * VIEWS) >= VIEWS
    softened = with_soft_labels(examples, taps, which, GUIDED)
    for name, targets in examples.targets.items():
        kept = ~which | (examples.labels[name] < 0)
        assert np.array_equal(softened.targets[name][kept], targets[kept])
        assert (softened.targets[name][~kept] != targets[~kept]).any(axis=1).all()
    assert np.array_equal(softened.taps["embedding"], examples.taps["embedding"])


def test_without_guidance_the_labels_are_unchanged() -> None:
    """No head is trained."""
    examples, _ = _examples()
    assert with_soft_labels(examples, {}, np.zeros(PICTURES * VIEWS, dtype=bool), _recipe(None)) is examples


def test_soft_labels_are_reproducible() -> None:
    """Recipe and pictures determine the soft labels."""
    examples, taps = _examples()
    which = np.ones(len(examples.emphasis), dtype=bool)
    first, second = (with_soft_labels(examples, taps, which, GUIDED).targets["age"] for _ in range(2))
    assert np.array_equal(first, second)
