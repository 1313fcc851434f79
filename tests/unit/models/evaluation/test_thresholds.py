"""The table of thresholds."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from models.arrays import Array, unit_rows
from models.data.samples import Sample
from models.errors import TrainingError
from models.evaluation.thresholds import FPIRS, GALLERIES, by_person, reject_score, threshold, threshold_table


def _people(count: int, pictures: int, seed: int) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    return {f"p{number}": unit_rows(rng.normal(size=(pictures, 16)).astype(np.float32)) for number in range(count)}


def test_a_threshold_has_the_given_rate() -> None:
    """Of the scores .000 to .999, at most 1 % reach the threshold: with .9899 an eleventh would."""
    scores = (np.arange(1000) / 1000).astype(np.float32)
    least = threshold(scores, 0.01)
    assert np.mean(scores >= least) <= 0.01
    assert least == pytest.approx(0.99, abs=1e-3)


def test_a_rate_below_one_case_accepts_nobody() -> None:
    """100 scores cannot resolve one in a thousand: the threshold is above all of them."""
    scores = (np.arange(100) / 100).astype(np.float32)
    assert threshold(scores, 0.001) > 0.99


def test_thresholds_never_fall() -> None:
    """A larger gallery or a smaller rate never lowers a threshold."""
    rows = threshold_table(_people(210, 5, 1), _people(60, 1, 2), seed=3, replicates=20)
    table = {(row.fpir, row.gallery): row.cosine for row in rows}
    assert set(table) == {(fpir, size) for fpir in FPIRS for size in GALLERIES}
    for fpir in FPIRS:
        assert all(table[fpir, a] <= table[fpir, b] for a, b in pairwise(GALLERIES))
    for size in GALLERIES:
        assert all(table[a, size] <= table[b, size] for a, b in pairwise(FPIRS))


def test_thresholds_hold_for_galleries_drawn_at_random() -> None:
    """The exact calculation agrees with drawn galleries: at a rate of 1 %, at most 1.2 % of strangers are named.

    With one look each, nothing else makes the threshold stricter, so the share is at least .7 %.
    """
    people, strangers = _people(210, 5, 1), _people(400, 1, 2)
    table = {(row.fpir, row.gallery): row.cosine for row in threshold_table(people, strangers, seed=3, replicates=1)}
    rng, probes = np.random.default_rng(4), np.concatenate(list(strangers.values()))
    nearest = np.stack([(probes @ looks.T).max(axis=1) for looks in people.values()], axis=1)
    for size in (10, 50):
        drawn = [nearest[:, rng.choice(210, size, replace=False)].max(axis=1) for _ in range(300)]
        assert 0.007 <= np.mean(np.stack(drawn) >= table[0.01, size]) <= 0.012


def test_a_threshold_lies_in_its_interval() -> None:
    """The interval contains the threshold, and is wider with fewer strangers."""
    people = _people(210, 5, 1)
    few, many = (threshold_table(people, _people(count, 1, 2), seed=3, replicates=60) for count in (40, 600))
    assert all(row.low <= row.cosine <= row.high for row in (*few, *many))
    assert few[0].high - few[0].low > many[0].high - many[0].low


def test_more_anchors_need_a_higher_threshold() -> None:
    """The nearest of five anchors is nearer to a stranger than a single one, so the threshold for five is higher."""
    people, strangers = _people(210, 5, 1), _people(60, 1, 2)
    one, five = (threshold_table(people, strangers, 3, anchors=count, replicates=1) for count in (1, 5))
    assert all(a.cosine < b.cosine for a, b in zip(one, five, strict=True))


def test_a_table_is_reproducible() -> None:
    """The draws depend on the seed alone."""
    people, strangers = _people(205, 5, 1), _people(30, 2, 2)
    assert threshold_table(people, strangers, 3, replicates=10) == threshold_table(people, strangers, 3, replicates=10)


def test_the_reject_score_has_the_given_rate() -> None:
    """Of 200 strangers at most 1 %, which is two, reach the reject score."""
    best = np.linspace(0.2, 0.998, 200, dtype=np.float32)
    strangers = {f"p{number}": np.array([[score, 0.1]]) for number, score in enumerate(best)}
    assert int(np.sum(best >= reject_score(strangers))) == 2


def test_too_few_people_are_refused() -> None:
    """There is no threshold for a gallery that cannot be drawn."""
    with pytest.raises(TrainingError, match="more people"):
        threshold_table(_people(20, 5, 1), _people(30, 1, 2), seed=3)


def test_embeddings_are_grouped_by_person() -> None:
    """Each person gets the rows of their own pictures, in order."""
    samples = [Sample(Path("1"), "val", "b"), Sample(Path("2"), "val", "a"), Sample(Path("3"), "val", "b")]
    found = by_person(samples, np.arange(6, dtype=np.float32).reshape(3, 2))
    assert {person: rows.tolist() for person, rows in found.items()} == {"a": [[2, 3]], "b": [[0, 1], [4, 5]]}
