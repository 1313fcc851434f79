"""Thresholds that hold for the worst group."""

import numpy as np
import pytest

from models.arrays import Array
from models.evaluation.group_thresholds import raised_for_groups
from models.evaluation.groups import GroupScores
from models.evaluation.thresholds import ThresholdRow

ROWS = tuple(
    ThresholdRow(rate, size, cosine, 470, round(cosine - 0.01, 3), round(cosine + 0.01, 3))
    for rate, size, cosine in (
        (0.01, 1, 0.1), (0.01, 10, 0.2), (0.003, 1, 0.15), (0.003, 10, 0.25), (0.001, 1, 0.2), (0.001, 10, 0.3),
    )
)  # fmt: skip


def _group(mean: float, people: int = 120, seed: int = 1) -> GroupScores:
    half = np.triu(np.random.default_rng(seed).normal(mean, 0.05, (people, people)), 1).astype(np.float32)
    matrix: Array = half + half.T
    return GroupScores([matrix])


def _with_twins(share: float, score: float, people: int = 200) -> GroupScores:
    """Return a group in which a share of the pairs has one score, and all others the lowest."""
    matrix = np.full((people, people), -1.0, dtype=np.float32)
    rows, columns = np.triu_indices(people, 1)
    chosen = np.random.default_rng(3).permutation(len(rows))[: int(share * len(rows))]
    matrix[rows[chosen], columns[chosen]] = matrix[columns[chosen], rows[chosen]] = score
    return GroupScores([matrix])


def test_a_table_that_holds_is_left_alone() -> None:
    """Scores about -.5 reach no threshold."""
    table = raised_for_groups(ROWS, [("a", _group(-0.5))])
    assert (table.rows, table.raised, table.unmet) == (ROWS, (), ())


def test_the_worst_group_raises_the_rate_for_all_galleries() -> None:
    """At 1 % and 0.3 % the rates hold, by point estimate, and up to twice the rate at the upper end."""
    groups = [("a", _group(-0.5)), ("b", _group(0.1, seed=2))]
    table = raised_for_groups(ROWS, groups)
    found = {(row.fpir, row.gallery): row for row in table.rows}
    raised = {each.fpir: each for each in table.raised}
    assert {each.group for each in table.raised} == {"b"}
    for rate in (0.01, 0.003):
        share = groups[1][1].share(found[rate, 1].cosine)
        assert share.value <= rate
        assert share.high <= 2 * rate
        before = {row.gallery: row.cosine for row in ROWS if row.fpir == rate}
        for size in (1, 10):
            assert found[rate, size].cosine == pytest.approx(before[size] + raised[rate].by, abs=1e-9)
            assert found[rate, size].low < found[rate, size].cosine < found[rate, size].high


def test_a_rate_below_the_default_is_raised_as_the_default() -> None:
    """Two pairs in a thousand show one person twice: 0.3 % can be held, 0.1 % cannot, and is named once."""
    table = raised_for_groups(ROWS, [("b", _with_twins(0.002, 0.9)), ("b", _with_twins(0.002, 0.8))])
    raised = {each.fpir: each.by for each in table.raised}
    assert raised.get(0.001) == raised.get(0.003)
    assert max(row.cosine for row in table.rows) < 0.8
    assert table.unmet == ("b at 0.1 %",)


def test_thresholds_never_fall_with_the_rate() -> None:
    """A rate that is raised by more than the next lower one lifts that one, too."""
    table = raised_for_groups(ROWS, [("c", _with_twins(0.02, 0.3))])
    found = {(row.fpir, row.gallery): row.cosine for row in table.rows}
    for size in (1, 10):
        assert found[0.01, size] <= found[0.003, size] <= found[0.001, size]
