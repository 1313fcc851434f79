"""The held-out examples, and the temperatures fitted on them."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed: pip install 'facenode[train]'")

from models.networks.checkpoint import HeadWeights, Scale
from models.training.heads import Examples, TrainedHeads
from models.training.temperature import ONE_IN, hold_out, with_temperatures

VIEWS = 4


def _examples(pictures: int, views: int) -> Examples:
    """Return examples whose two channels are the numbers of picture and view."""
    picture, view = np.divmod(np.arange(pictures * views), views)
    taps = {"embedding": np.stack([picture, view], axis=1).astype(np.float32)}
    labels = (picture % 3).astype(np.int64)
    targets = np.eye(3, dtype=np.float32)[labels]
    return Examples(taps, {"age": labels}, {"age": targets}, np.ones(len(labels), dtype=np.float32))


def _sure() -> TrainedHeads:
    """Return a head with one channel per label, and a logit of 5."""
    none = np.zeros(3, dtype=np.float32)
    group = HeadWeights({"embedding": np.eye(3, dtype=np.float32)}, none, 5 * np.eye(3, dtype=np.float32), none)
    scale = Scale(none, none + 1)
    return TrainedHeads({"embedding": scale}, {"age": group})


def _two_of_three_right() -> Examples:
    says = np.tile(np.eye(3, dtype=np.float32), (100, 1))
    right = says.argmax(axis=1)
    right[::3] = (right[::3] + 1) % 3
    return Examples({"embedding": says}, {"age": right}, {"age": says}, np.ones(300, dtype=np.float32))


def test_no_view_of_a_held_out_picture_is_trained_on() -> None:
    """A tenth of the first data set is held out, one unaugmented view each, and none of the second data set."""
    most, held = hold_out(_examples(60, VIEWS), pictures=50, views=VIEWS)
    kept_out = held.taps["embedding"][:, 0]
    assert kept_out.tolist() == [9, 19, 29, 39, 49]
    assert held.taps["embedding"][:, 1].tolist() == [0] * 5
    weightless = most.emphasis == 0
    assert int(weightless.sum()) == 50 // ONE_IN * VIEWS
    assert np.isin(most.taps["embedding"][weightless, 0], kept_out).all()
    assert held.labels["age"].tolist() == [9 % 3, 19 % 3, 29 % 3, 39 % 3, 49 % 3]


def test_an_overconfident_head_gets_a_temperature_above_one() -> None:
    """An overconfident head that is right in two of three cases gets a score of two thirds (tolerance .02)."""
    temperature = with_temperatures(_sure(), _sure(), _two_of_three_right()).groups["age"].temperature
    best = np.exp(5 / temperature) / (np.exp(5 / temperature) + 2)
    assert best == pytest.approx(2 / 3, abs=0.02)


def test_examples_without_a_label_do_not_change_the_temperature() -> None:
    """A data set without labels for a head does not change its temperature."""
    fewer = _two_of_three_right()
    says, right = fewer.taps["embedding"], fewer.labels["age"]
    more = Examples(
        {"embedding": np.concatenate([says, says])},
        {"age": np.concatenate([right, np.full(len(right), -1)])},
        {"age": np.concatenate([says, says])},
        np.ones(2 * len(right), dtype=np.float32),
    )
    trained = _sure()
    with_more, with_fewer = (
        with_temperatures(trained, trained, held).groups["age"].temperature for held in (more, fewer)
    )
    assert with_more == with_fewer
    nothing = replace(fewer, labels={"age": np.full(len(right), -1)})
    assert with_temperatures(trained, trained, nothing).groups["age"].temperature == 1.0
