"""The batches of a distillation."""

import numpy as np
import pytest

from models.arrays import unit_rows
from models.recipe.sections import Views
from models.training.batches import Batches, TrainingSet

VIEWS = Views(count=1, margin_px=2, shift_px=1.0, turn_deg=5.0, zoom=0.05, brightness=0.1, contrast=0.1, blur=0.2)


def _batches(seed: int = 1) -> Batches:
    rng = np.random.default_rng(5)
    count = 40
    crops = rng.integers(0, 256, (count, 20, 20, 3), dtype=np.uint8)
    crops[: count // 2] //= 3
    embeddings = rng.normal(size=(count, 3, 12)).astype(np.float32)
    embeddings[: count // 2] += 2
    label_targets = {"age": np.eye(3, dtype=np.float32)[np.arange(count) % 3]}
    return Batches([TrainingSet(crops, embeddings, label_targets, 1.0)], (16, 16), VIEWS, seed)


def test_a_target_is_the_mean_over_views() -> None:
    """The teacher's embeddings of several views give one unit vector."""
    embeddings = np.array([[[3.0, 0.0], [0.0, 3.0]]], dtype=np.float32)
    part = TrainingSet(np.zeros((1, 20, 20, 3), dtype=np.uint8), embeddings, {}, 1.0)
    assert Batches([part], (16, 16), VIEWS, 1).targets == pytest.approx(np.array([[0.5**0.5, 0.5**0.5]]), abs=1e-6)


def test_pictures_are_drawn_from_the_data_sets_by_their_shares() -> None:
    """A small data set can be half of the pictures drawn (tolerance .05 over 2,000 draws)."""
    small = TrainingSet(np.zeros((2, 20, 20, 3), dtype=np.uint8), np.ones((2, 1, 4), dtype=np.float32), {}, 0.5)
    large = TrainingSet(np.zeros((50, 20, 20, 3), dtype=np.uint8), np.ones((50, 1, 4), dtype=np.float32), {}, 0.5)
    numbers = Batches([small, large], (16, 16), VIEWS, 1).batch(0, 2000).numbers
    assert np.mean(numbers < 2) == pytest.approx(0.5, abs=0.05)
    assert set(numbers) <= set(range(52))


def test_each_step_has_its_own_batch() -> None:
    """The batch of a step is reproducible, and differs from that of another step."""
    batches = _batches()
    assert np.array_equal(batches.batch(3, 8).pictures, batches.batch(3, 8).pictures)
    assert not np.array_equal(batches.batch(3, 8).pictures, batches.batch(4, 8).pictures)


def test_rare_labels_weigh_more() -> None:
    """A label of n pictures weighs n^-p; over all pictures the mean weight is one (tolerance 1e-6)."""
    label_targets = {"age": np.eye(2, dtype=np.float32)[[0, 0, 0, 0, 1]]}
    part = TrainingSet(
        np.zeros((5, 20, 20, 3), dtype=np.uint8), np.ones((5, 1, 4), dtype=np.float32), label_targets, 1.0
    )
    weights = Batches([part], (16, 16), VIEWS, 1).weights("age", 0.5)
    assert weights[1] / weights[0] == pytest.approx(2.0, abs=1e-6)
    assert 4 * weights[0] + weights[1] == pytest.approx(5.0, abs=1e-6)


def test_targets_have_unit_length() -> None:
    """So a product with them is a cosine (tolerance 1e-6)."""
    targets = _batches().targets
    assert targets == pytest.approx(unit_rows(targets), abs=1e-6)
