"""How often strangers of a group are named and its people recognized, on predictions made by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.arrays import Array
from models.data.samples import Sample
from models.evaluation.figure import Figure
from models.evaluation.group_rates import ADULTS, ALL_VIEWS, GALLERY, NEEDED_VIEWS, NOISY, PAIRS, SHOWN, group_rates
from models.evaluation.predictions import Predictions
from models.evaluation.scoring import Decision
from node.vision.sidecar import load_sidecar

SIDECAR = load_sidecar(Path(__file__).resolve().parents[4] / "models" / "zoo" / "mobilefacenet.float32.json")
DECISION = Decision(SIDECAR)
COUNT = 70
PAIR_COUNT = COUNT * (COUNT - 1) // 2


def _predictions(embeddings: Array) -> Predictions:
    sample = Sample(Path("a.jpg"), "val", ethnicity="asian", gender="female", years=30)
    return Predictions((sample,) * COUNT, {"embedding": embeddings}, 0)


def _found(figures: list[Figure]) -> dict[tuple[str, str], Figure]:
    return {(figure.data, figure.figure): figure for figure in figures}


@pytest.fixture(name="apart")
def apart_() -> Array:
    """Return embeddings of people on axes of their own."""
    return np.eye(COUNT + 1, dtype=np.float32)[:COUNT]


def test_people_who_look_alike_are_counted(apart: Array) -> None:
    """One pair with one face: one of the pairs, and each of the two is named in 10 of 69 galleries of ten."""
    apart[1] = apart[0]
    faces = _predictions(apart)
    found = _found(group_rates(faces, [faces] * NEEDED_VIEWS, faces, "d", DECISION))
    pairs, gallery = found[f"d, {PAIRS}", "asian, female"], found[f"d, {GALLERY}", "asian, female"]
    assert (pairs.n, gallery.n) == (PAIR_COUNT, COUNT)
    assert pairs.value == pytest.approx(1 / PAIR_COUNT)
    assert gallery.value == pytest.approx(2 / COUNT * 10 / (COUNT - 1))
    assert found[f"d, {NOISY}", "asian, female"].value == pytest.approx(1 / PAIR_COUNT)


def test_a_track_is_the_mean_of_its_looks(apart: Array) -> None:
    """Three looks, of which one shows somebody else, have a cosine of .89 to the photo; that look alone has 0."""
    other = np.roll(apart, 1, axis=0)
    views = [other, apart, apart, apart, apart]
    found = _found(
        group_rates(_predictions(apart), [_predictions(view) for view in views], _predictions(apart), "d", DECISION)
    )
    assert found[f"d, {SHOWN}", ADULTS].value == 1
    assert found[f"d, {replace(SHOWN, looks=1)}", ADULTS].value == 0


def test_the_nearest_of_several_photos_counts(apart: Array) -> None:
    """Looks that resemble only an enrolled second view are recognized with three photos, and not with one."""
    elsewhere = np.roll(np.eye(COUNT + 1, dtype=np.float32), 1, axis=1)[:COUNT]
    views = [elsewhere] * NEEDED_VIEWS
    found = _found(
        group_rates(_predictions(apart), [_predictions(view) for view in views], _predictions(apart), "d", DECISION)
    )
    assert found[f"d, {SHOWN}", "asian, female"].value == 0
    assert found[f"d, {replace(SHOWN, photos=3)}", "asian, female"].value == 1


def test_each_table_has_all_adults_and_each_group(apart: Array) -> None:
    """A table for each number of photos, looks and people enrolled."""
    faces = _predictions(apart)
    found = _found(group_rates(faces, [faces] * NEEDED_VIEWS, faces, "d", DECISION))
    for views in ALL_VIEWS:
        assert {name for data, name in found if data == f"d, {views}"} == {ADULTS, "asian, female"}
        assert found[f"d, {views}", ADULTS].n == COUNT
