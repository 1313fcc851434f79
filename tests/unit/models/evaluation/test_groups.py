"""Groups of people, and the scores of the pairs within them."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from models.arrays import Array
from models.data.samples import Sample
from models.evaluation.groups import CHILDREN, LEAST_PAIRS, TEENAGERS, GroupScores, groups_of
from models.evaluation.metrics import wilson

_ENOUGH = 64  # people: 2,016 pairs


def _people(count: int, years: int, ethnicity: str = "asian", gender: str = "female") -> list[Sample]:
    return [Sample(Path("a.jpg"), "val", ethnicity=ethnicity, gender=gender, years=years)] * count


def _scores(count: int, seed: int = 1) -> Array:
    """Return a symmetric matrix of scores from -1 to 1."""
    half = np.triu(np.random.default_rng(seed).uniform(-1, 1, (count, count)), 1).astype(np.float32)
    matrix: Array = half + half.T
    return matrix


def test_adults_are_grouped_by_ethnicity_and_gender() -> None:
    """Each group has the places of its own pictures; a group with too few pairs does not count."""
    samples = [*_people(_ENOUGH, 30), *_people(_ENOUGH, 40, gender="male"), *_people(_ENOUGH - 1, 50, "black")]
    groups = {group.name: group for group in groups_of(samples)}
    assert set(groups) == {"asian, female", "asian, male"}
    assert groups["asian, male"].places.tolist() == list(range(_ENOUGH, 2 * _ENOUGH))
    assert groups["asian, male"].pairs == _ENOUGH * (_ENOUGH - 1) // 2 >= LEAST_PAIRS


def test_children_and_teenagers_are_groups_of_all_cells() -> None:
    """Their cells are compared apart: girls with girls. Eleven is a child, twelve and seventeen are not."""
    samples = [
        *_people(50, 11), *_people(50, 5, gender="male"), *_people(50, 12), *_people(50, 17, gender="male"),
    ]  # fmt: skip
    groups = {group.name: group for group in groups_of(samples)}
    assert set(groups) == {TEENAGERS, CHILDREN}
    assert [cell.tolist() for cell in groups[CHILDREN].cells] == [list(range(50)), list(range(50, 100))]
    assert groups[CHILDREN].pairs == 2 * 50 * 49 // 2


def test_a_share_counts_each_pair_once() -> None:
    """Of 45 pairs of ten people, the nine highest reach their own least score; nobody is compared with themselves."""
    matrix = _scores(10)
    np.fill_diagonal(matrix, 1.0)
    pairs = np.sort(matrix[np.triu_indices(10, 1)])
    share = GroupScores([matrix]).share(float(pairs[-9]))
    assert share.value == pytest.approx(9 / 45)
    assert share.n == 45
    assert 0 <= share.low <= share.value <= share.high <= 1


def test_an_interval_resamples_people() -> None:
    """One person who looks like everybody is in 99 pairs of 4,950: the interval is wide, for they may be drawn twice.

    Pairs taken as independent would give an interval of .016 to .024.
    """
    matrix = np.full((100, 100), -1.0, dtype=np.float32)
    matrix[0] = matrix[:, 0] = 0.5
    share = GroupScores([matrix]).share(0.0)
    assert share.value == pytest.approx(0.02)
    assert share.low == 0
    assert share.high > 0.05


def test_no_case_is_not_a_share_of_zero() -> None:
    """Of 4,950 pairs none reaches the threshold: up to 0.08 % may (Wilson)."""
    scores = GroupScores([np.full((100, 100), -1.0, dtype=np.float32)])
    share, named = scores.share(0.0), scores.named(0.0, 10)
    assert (share.value, share.low) == (0, 0)
    assert share.high == pytest.approx(0.00078, abs=1e-5)
    assert named is not None
    assert named.high == pytest.approx(wilson(0, 100).high)


def test_the_share_of_named_strangers_is_exact() -> None:
    """It equals the mean over all galleries of three of nine others."""
    matrix = _scores(10)
    over = matrix >= 0.6
    named = [
        any(over[stranger, person] for person in gallery)
        for stranger in range(10)
        for gallery in combinations([person for person in range(10) if person != stranger], 3)
    ]
    share = GroupScores([matrix]).named(0.6, 3)
    assert share is not None
    assert share.value == pytest.approx(np.mean(named))
    assert share.n == 10
    assert share.low <= share.value <= share.high


def test_a_gallery_larger_than_a_cell_cannot_be_measured() -> None:
    """With ten people, a stranger has nine others; only larger cells count."""
    assert GroupScores([_scores(10)]).named(0.5, 10) is None
    both = GroupScores([_scores(10), _scores(30, seed=2)]).named(0.5, 10)
    assert both is not None
    assert both.n == 30


def test_the_least_threshold_holds_and_no_lower_one_does() -> None:
    """By point estimate, and surely: then the upper end of the interval is at most twice the rate (in thousandths)."""
    for surely in (False, True):
        scores = GroupScores([_scores(80)])
        least = scores.least(0.05, surely=surely)
        held, below = scores.share(least), scores.share(round(least - 0.001, 3))
        assert held.value <= 0.05
        assert not surely or held.high <= 0.1
        assert below.value > 0.05 or (surely and below.high > 0.1)


def test_a_threshold_that_must_hold_surely_is_higher() -> None:
    """One person who looks like many others moves the upper end more than the point estimate."""
    matrix = np.full((100, 100), -1.0, dtype=np.float32)
    matrix[0] = matrix[:, 0] = np.linspace(0, 1, 100)
    scores = GroupScores([matrix])
    assert scores.least(0.02, surely=True) > scores.least(0.02, surely=False)
