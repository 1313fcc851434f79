"""Figures for groups of people, on predictions made by hand."""

from pathlib import Path

import numpy as np

from models.data.samples import Sample
from models.evaluation.fairness import LEAST_CASES, by_group, three_groups
from models.evaluation.figure import Figure
from models.evaluation.predictions import Predictions

LABELS = ("young", "senior")


def _sample(ethnicity: str, gender: str, age: str = "young") -> Sample:
    return Sample(Path("a.jpg"), "val", age=age, ethnicity=ethnicity, gender=gender)


def _predictions(groups: list[tuple[Sample, int, int]]) -> Predictions:
    """Return predictions for n pictures of each sample, of which `right` are right."""
    samples, rows = [], []
    for sample, n, right in groups:
        truth = LABELS.index(sample.age)
        samples += [sample] * n
        rows += [[float(label == (truth if k < right else 1 - truth)) for label in (0, 1)] for k in range(n)]
    return Predictions(tuple(samples), {"age": np.array(rows, dtype=np.float32)}, 0)


def _found(figures: list[Figure]) -> dict[tuple[str, str], tuple[float, int]]:
    return {(figure.data, figure.figure): (figure.value, figure.n) for figure in figures}


def test_each_group_has_its_own_accuracy() -> None:
    """Groups are by ethnicity and gender together, and by age group."""
    found = _found(
        by_group(
            _predictions([(_sample("black", "female"), 40, 30), (_sample("black", "male", "senior"), 40, 20)]),
            "d",
            "age",
            LABELS,
        )
    )
    assert found["d, by ethnicity and gender", "age: black, female"] == (0.75, 40)
    assert found["d, by ethnicity and gender", "age: black, male"] == (0.5, 40)
    assert found["d, by age group", "age: young"] == (0.75, 40)
    assert found["d, worst cell of ethnicity and gender", "age: black, male"] == (0.5, 40)
    assert found["d, worst cell of ethnicity, gender and age group", "age: black, male, senior"] == (0.5, 40)


def test_a_small_group_is_not_named_the_worst() -> None:
    """With one picture fewer than enough it is not named, although all are wrong; with enough it is."""
    big = (_sample("white", "male"), 100, 90)
    for n, worst in ((LEAST_CASES - 1, "white, male"), (LEAST_CASES, "indian, male")):
        found = _found(by_group(_predictions([big, (_sample("indian", "male"), n, 0)]), "d", "age", LABELS))
        assert ("d, worst cell of ethnicity and gender", f"age: {worst}") in found


def test_three_groups_are_compared_among_themselves() -> None:
    """Other groups do not count, neither people nor scores: asian .3 beats black .2 although indian has .5."""
    labels = ("asian", "black", "indian", "other", "white")
    samples = (_sample("asian", "male"), _sample("indian", "male"), _sample("white", "female"))
    scores = np.array(
        [[0.3, 0.2, 0.5, 0, 0], [0, 0, 1, 0, 0], [0.1, 0.5, 0, 0, 0.4]],
        dtype=np.float32,
    )
    figure = three_groups(Predictions(samples, {"ethnicity": scores}, 0), "d", labels)
    assert (figure.value, figure.n) == (0.5, 2)
