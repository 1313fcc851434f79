"""Scores and right labels -> how far scores can be believed, and the temperature that makes them believable; pure."""

import numpy as np
import numpy.typing as npt

from models.arrays import Array, softmax

Labels = npt.NDArray[np.int64]

BINS = 15
_LEAST_SCORE = 1e-12
_SHARPEST, _FLATTEST = 0.1, 10.0
_STEPS = 60  # each keeps two thirds of what is left


def calibration_error(scores: Array, right: Labels, bins: int = BINS) -> float:
    """Return the expected calibration error of Naeini et al. (2015), over bins of equal width.

    It is the mean over all answers of the distance, in the bin that the answer's score falls into, between the mean
    score and the share of right answers.

    Args:
        scores: softmax scores, shape (n, labels).
        right: number of the right label, shape (n,).
        bins: of the best score.
    """
    best = scores.max(axis=1).astype(np.float64)
    hits = np.argmax(scores, axis=1) == right
    place = np.minimum((best * bins).astype(np.int64), bins - 1)
    calibration_errors, reached = (
        np.bincount(place, weights, minlength=bins) for weights in (best, hits.astype(np.float64))
    )
    return float(np.abs(calibration_errors - reached).sum() / len(best))


def apply_temperature(scores: Array, temperature: float) -> Array:
    """Return the softmax scores, shape (n, labels), of logits divided by a temperature; 1 / T undoes T."""
    return softmax(np.log(np.maximum(scores, _LEAST_SCORE)) / temperature)


def fit_temperature(logits: Array, right: Labels) -> float:
    """Return the temperature that makes the right labels most likely (Guo et al., 2017).

    The mean negative log likelihood is convex in the inverse of the temperature, so that thirds find its minimum.

    Args:
        logits: of a head, shape (n, labels), of examples that it was not trained on.
        right: number of the right label, shape (n,).
    """
    low, high = 1 / _FLATTEST, 1 / _SHARPEST
    for _ in range(_STEPS):
        left, second = low + (high - low) / 3, high - (high - low) / 3
        if _negative_log_likelihood(logits * left, right) < _negative_log_likelihood(logits * second, right):
            high = second
        else:
            low = left
    return 2 / (low + high)


def _negative_log_likelihood(logits: npt.NDArray[np.float32] | npt.NDArray[np.float64], right: Labels) -> float:
    """Return the mean negative log likelihood of the right labels."""
    level = logits.max(axis=1, keepdims=True)
    total = np.log(np.exp(logits - level).sum(axis=1)) + level[:, 0]
    return float(np.mean(total - logits[np.arange(len(right)), right]))
