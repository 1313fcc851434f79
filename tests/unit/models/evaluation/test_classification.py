"""Accuracy and calibration of a head, on predictions made by hand."""

from pathlib import Path

import numpy as np
import pytest

from models.data.samples import Sample
from models.evaluation.classification import accuracy, calibration_errors, no_face_found
from models.evaluation.figure import Figure
from models.evaluation.predictions import Predictions


def _found(figures: list[Figure]) -> dict[tuple[str, str], Figure]:
    return {(figure.data, figure.figure): figure for figure in figures}


def test_accuracy_is_over_all_and_by_class() -> None:
    """Three of four are right; the balanced accuracy is the mean of the recalls: (1 + 1/2) / 2."""
    samples = tuple(Sample(Path("a"), "val", age=age) for age in ("young", "young", "senior", "senior"))
    scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]], dtype=np.float32)
    found = _found(accuracy(Predictions(samples, {"age": scores}, 0), "d", "age", ("young", "senior"), per_class=True))
    assert found["d", "age"].value == 0.75
    assert found["d", "age, balanced"].value == 0.75
    assert (found["d", "age: senior"].value, found["d", "age: senior"].n) == (0.5, 2)


def test_calibration_error_is_given_before_and_after_the_temperature() -> None:
    """Four scores of .9, three of them right, are .15 off; without T = 2 the scores are .9 ** 2 / .82: .24 off."""
    samples = tuple(Sample(Path("a"), "val", age=age) for age in ("young", "young", "young", "senior"))
    scores = np.tile(np.array([[0.9, 0.1]], dtype=np.float32), (4, 1))
    after, before = calibration_errors(Predictions(samples, {"age": scores}, 0), "d", "age", ("young", "senior"), 2.0)
    assert after.n == 4
    assert after.value == pytest.approx(0.15, abs=1e-6)
    assert before.value == pytest.approx(0.81 / 0.82 - 0.75, abs=1e-6)


def test_pictures_without_a_face_are_counted() -> None:
    """The detector found no face in one of four pictures."""
    predictions = Predictions((Sample(Path("a"), "val"),) * 3, {}, 1)
    assert (no_face_found(predictions, "d").value, no_face_found(predictions, "d").n) == (0.25, 4)
