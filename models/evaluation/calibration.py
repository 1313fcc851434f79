"""Scores and true labels -> the calibration error, and the temperature that calibrates them; pure."""

import numpy as np
import numpy.typing as npt

from models.arrays import Array, softmax

Labels = npt.NDArray[np.int64]

BINS = 15
_LEAST_SCORE = 1e-12
_SHARPEST, _FLATTEST = 0.1, 10.0
_STEPS = 60  # each keeps two thirds of the interval


def calibration_error(scores: Array, right: Labels, bins: int = BINS) -> float:
    """Return the expected calibration error of Naeini et al. (2015), over bins of equal width.

    It is the mean, over all predictions, of the distance between mean score and accuracy in the prediction's bin.

    Args:
        scores: softmax scores, shape (n, labels).
        right: index of the true label, shape (n,).
        bins: number of bins of the best score.
    """
    best = scores.max(axis=1).astype(np.float64)
    hits = np.argmax(scores, axis=1) == right
    place = np.minimum((best * bins).astype(np.int64), bins - 1)
    calibration_errors, reached = (
        np.bincount(place, weights, minlength=bins) for weights in (best, hits.astype(np.float64))
    )
    return float(np.abs(calibration_errors - reached).sum() / len(best))


def apply_temperature(scores: Array, temperature: float) -> Array:
    """Return softmax scores, shape (n, labels), with their logits divided by a temperature; 1 / T undoes T."""
    return softmax(np.log(np.maximum(scores, _LEAST_SCORE)) / temperature)


def fit_temperature(logits: Array, right: Labels) -> float:
    """Return the temperature that maximises the likelihood of the true labels (Guo et al., 2017).

    The mean negative log likelihood is convex in the inverse temperature, so a ternary search finds its minimum.

    Args:
        logits: logits of a head, shape (n, labels), for examples that it was not trained on.
        right: index of the true label, shape (n,).
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
    """Return the mean negative log likelihood of the true labels."""
    level = logits.max(axis=1, keepdims=True)
    total = np.log(np.exp(logits - level).sum(axis=1)) + level[:, 0]
    return float(np.mean(total - logits[np.arange(len(right)), right]))
