"""The calibration of scores."""

import numpy as np
import pytest

from models.evaluation.calibration import apply_temperature, calibration_error, fit_temperature


def test_calibrated_scores_have_no_error() -> None:
    """Scores of .75, three in four right, have an error of zero."""
    scores = np.tile(np.array([[0.75, 0.25]], dtype=np.float32), (4, 1))
    assert calibration_error(scores, np.array([0, 0, 0, 1])) == pytest.approx(0.0)


def test_the_error_is_the_mean_distance_over_the_predictions() -> None:
    """Two scores of 1, one of them right, are .5 off; two of .6, both right, are .4 off: .45 in total."""
    scores = np.array([[1, 0], [1, 0], [0.6, 0.4], [0.6, 0.4]], dtype=np.float32)
    assert calibration_error(scores, np.array([0, 1, 0, 0])) == pytest.approx(0.45, abs=1e-6)


def test_the_temperature_of_scaled_logits_is_found() -> None:
    """Labels drawn from softmax(z) and logits given as 3 z: the temperature is 3 (tolerance .15, 20,000 draws)."""
    rng = np.random.default_rng(1)
    true = rng.normal(size=(20_000, 3)).astype(np.float32)
    shares = np.exp(true) / np.exp(true).sum(axis=1, keepdims=True)
    drawn = (rng.random((len(shares), 1)) > shares.cumsum(axis=1)).sum(axis=1)
    assert fit_temperature(3 * true, np.minimum(drawn, 2)) == pytest.approx(3.0, abs=0.15)


def test_a_temperature_changes_no_prediction_and_can_be_undone() -> None:
    """The best label stays the best; the inverse gives the scores back (tolerance 1e-5)."""
    scores = np.array([[0.7, 0.2, 0.1], [0.05, 0.15, 0.8]], dtype=np.float32)
    soft = apply_temperature(scores, 2.0)
    assert soft.argmax(axis=1).tolist() == [0, 2]
    assert (soft.max(axis=1) < scores.max(axis=1)).all()
    assert apply_temperature(soft, 0.5) == pytest.approx(scores, abs=1e-5)
