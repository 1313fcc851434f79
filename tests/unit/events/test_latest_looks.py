"""What the latest looks at a face say together."""

import numpy as np
import pytest

from node.domain import Box, Face, Look
from node.events.latest_looks import LatestLooks

FACE = Face(Box(0.4, 0.4, 0.2, 0.2), ((0.5, 0.5),) * 5, 0.9)


def look(embedding: tuple[float, ...], weight: float, age: tuple[float, ...] = (1.0, 0.0)) -> Look:
    """Return a usable look."""
    return Look(FACE, (), np.array(embedding, np.float32), {"age": np.array(age, np.float32)}, weight)


def added(looks: LatestLooks, *new: Look) -> LatestLooks:
    """Return the looks with others added."""
    for each in new:
        assert each.embedding is not None
        looks.add(each, each.embedding)
    return looks


def test_there_is_nothing_without_looks() -> None:
    """Before the first look there is no mean, no score and no best look."""
    looks = LatestLooks(3)
    assert (len(looks), looks.mean, dict(looks.heads), looks.best, looks.latest) == (0, None, {}, None, None)


def test_means_are_weighted() -> None:
    """The mean embedding has unit length, and each head's scores still sum to 1; to 1e-6."""
    looks = added(LatestLooks(3), look((1, 0), 3, (1, 0)), look((0, 1), 1, (0, 1)))
    assert looks.mean is not None
    assert looks.mean.dtype == np.float32
    assert looks.mean == pytest.approx(np.array([3, 1]) / np.sqrt(10), abs=1e-6)
    assert looks.heads["age"] == pytest.approx(np.array([0.75, 0.25]), abs=1e-6)


def test_older_looks_drop_out() -> None:
    """Only the latest looks count, so that a mistake does not last; to 1e-6."""
    looks = added(LatestLooks(2), look((-1, 0), 9), look((1, 0), 1), look((0, 1), 1))
    assert len(looks) == 2
    assert looks.mean == pytest.approx(np.array([1, 1]) / np.sqrt(2), abs=1e-6)


def test_looks_without_weight_have_a_mean() -> None:
    """Looks that all weigh nothing count alike; to 1e-6."""
    looks = added(LatestLooks(2), look((1, 0), 0), look((0, 1), 0))
    assert looks.mean == pytest.approx(np.array([1, 1]) / np.sqrt(2), abs=1e-6)


def test_the_best_look_is_the_earliest_of_the_heaviest() -> None:
    """The best look stays until a heavier one comes or it drops out."""
    first, light, equal = look((1, 0), 2), look((1, 0), 1), look((1, 0), 2)
    looks = added(LatestLooks(3), first, light, equal)
    assert looks.best is first
    assert looks.latest is equal
    assert added(looks, light).best is equal


def test_a_mean_does_not_change_when_a_look_isadded() -> None:
    """A track that was handed out keeps its values."""
    looks = added(LatestLooks(2), look((1, 0), 1))
    mean, age = looks.mean, looks.heads["age"]
    added(looks, look((0, 1), 1, (0, 1)))
    assert mean == pytest.approx(np.array([1, 0]), abs=1e-6)
    assert age == pytest.approx(np.array([1, 0]), abs=1e-6)
