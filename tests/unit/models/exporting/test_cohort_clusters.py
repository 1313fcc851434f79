"""Cohorts: means of clusters of faces."""

from pathlib import Path

import numpy as np
import pytest
from cohorts import random_units

from models.arrays import Array, unit_rows
from models.data.samples import Sample
from models.exporting.cohort_clusters import LEAST_FACES, cluster_means, cohort_of


def _samples(count: int, years: int = 30, ethnicity: str = "asian") -> list[Sample]:
    return [Sample(Path("a.jpg"), "train", ethnicity=ethnicity, gender="female", years=years)] * count


def _around(axes: Array, count: int, seed: int = 1) -> Array:
    """Return `count` faces near each axis, with a cosine of about .97 to it."""
    rng = np.random.default_rng(seed)
    noise = 0.25 * unit_rows(rng.normal(size=(count * len(axes), axes.shape[1])).astype(np.float32))
    return unit_rows(np.repeat(axes, count, axis=0) + noise)


def test_faces_that_are_alike_are_put_together() -> None:
    """Three kinds of eight faces give three means, each near its kind (cosine of .98 or more)."""
    axes = np.eye(16, dtype=np.float32)[:3]
    means = np.stack(cluster_means(_around(axes, 8), np.random.default_rng(0)))
    assert means.shape == (3, 16)
    assert sorted(np.argmax(means @ axes.T, axis=1).tolist()) == [0, 1, 2]
    assert np.max(means @ axes.T, axis=1).min() > 0.98


def test_no_row_is_of_fewer_than_five_faces() -> None:
    """Four faces far from twenty others have a cluster of their own, which is left out; four alone give nothing."""
    axes = np.eye(16, dtype=np.float32)[:2]
    crowd, few = _around(axes[:1], 20), _around(axes[1:], LEAST_FACES - 1)
    means = np.stack(cluster_means(np.concatenate([crowd, few]), np.random.default_rng(0)))
    assert (means @ axes[1]).max() < 0.5
    assert cluster_means(few, np.random.default_rng(0)) == []


def test_no_row_is_anybodys_embedding() -> None:
    """Also with faces that have nothing in common, no row of a cohort is one of them (cosine below .9)."""
    faces = random_units(200, 32, seed=4)
    rows = cohort_of(_samples(200), faces).astype(np.float32)
    assert len(rows) > 5
    assert (rows @ faces.T).max() < 0.9


def test_groups_and_ages_have_rows_of_their_own() -> None:
    """Equal faces of a child, a teenager, an adult and another ethnicity are four rows, of unit length in float16."""
    samples = [*_samples(6, 11), *_samples(6, 17), *_samples(6, 18), *_samples(6, 18, "black")]
    rows = cohort_of(samples, np.repeat(random_units(1, 32), 24, axis=0))
    assert rows.shape == (4, 32)
    assert rows.dtype == np.float16
    assert np.linalg.norm(rows.astype(np.float32), axis=1) == pytest.approx(1, abs=1e-3)


def test_a_cohort_is_reproducible() -> None:
    """Equal faces give equal bytes."""
    samples, faces = _samples(100), random_units(100, 32, seed=7)
    assert cohort_of(samples, faces).tobytes() == cohort_of(samples, faces.copy()).tobytes()
