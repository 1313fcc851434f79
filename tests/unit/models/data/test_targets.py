"""Targets and weights of examples."""

from pathlib import Path

import numpy as np
import pytest

from models.data.samples import Sample
from models.data.targets import cell_weights, class_weights, targets_of
from models.recipe.sections import GroupHead

AGE = GroupHead(
    labels=("young", "middle", "senior"), data=("utkface",), hidden=8, weight=1.0, borders=(35, 60), spread_years=4.0
)


def _sample(group: str, years: int | None) -> Sample:
    return Sample(Path("a.jpg"), "train", age=group, years=years)


def test_an_age_at_a_border_counts_for_both_groups() -> None:
    """34 and 35 are half a year to either side of the border at 35: .55 and .45, and the reverse (tolerance .01)."""
    before, after = targets_of([_sample("young", 34), _sample("middle", 35)], "age", AGE)
    assert before == pytest.approx([0.55, 0.45, 0.0], abs=0.01)
    assert after == pytest.approx([0.45, 0.55, 0.0], abs=0.01)


def test_an_age_far_from_a_border_counts_for_its_own_group() -> None:
    """With a spread of four years, ages of 5 and 90 are in one group alone (tolerance .001)."""
    child, old = targets_of([_sample("young", 5), _sample("senior", 90)], "age", AGE)
    assert child == pytest.approx([1, 0, 0], abs=1e-3)
    assert old == pytest.approx([0, 0, 1], abs=1e-3)


def test_shares_sum_to_one() -> None:
    """The shares of all groups sum to one at any age."""
    rows = targets_of([_sample("young", years) for years in range(1, 110)], "age", AGE)
    assert rows.sum(axis=1) == pytest.approx(1.0, abs=1e-6)


def test_without_years_the_label_has_the_whole_share() -> None:
    """So it is for a sample without an age in years, and for a head without borders."""
    assert targets_of([_sample("middle", None)], "age", AGE).tolist() == [[0, 1, 0]]
    plain = AGE.model_copy(update={"borders": ()})
    assert targets_of([_sample("young", 34)], "age", plain).tolist() == [[1, 0, 0]]


def test_rare_classes_weigh_more() -> None:
    """With exponent 1/2, a class four times as rare weighs twice as much; label -1 weighs nothing; the mean is 1."""
    weights = class_weights(np.array([0] * 16 + [1] * 4 + [-1]), 2, 0.5)
    assert weights[16] == pytest.approx(2 * weights[0])
    assert weights[-1] == 0
    assert weights[:-1].mean() == pytest.approx(1.0)


def test_rare_groups_of_people_weigh_more() -> None:
    """With exponent 1/4, a group sixteen times as rare weighs twice as much, whatever its class; the mean is 1."""
    many = [Sample(Path("a.jpg"), "train", age="young", ethnicity="white", gender="male")] * 32
    few = [Sample(Path("a.jpg"), "train", age="young", ethnicity="white", gender="female")] * 2
    weights = cell_weights([*many, *few], 0.25)
    assert weights[-1] == pytest.approx(2 * weights[0])
    assert weights.mean() == pytest.approx(1.0)
    assert cell_weights([*many, *few], 0.0) == pytest.approx(1.0)
