"""Rows of numbers -> rows of unit length, so that a product of two is a cosine; or rows of scores."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

_LEAST_SQUARE = 1e-12


def unit_rows(vectors: Array) -> Array:
    """Return vectors, shape (n, length), scaled to unit length; a vector of zeros stays one."""
    lengths = np.sqrt(np.maximum(np.sum(vectors**2, axis=-1, keepdims=True), _LEAST_SQUARE))
    unit: Array = (vectors / lengths).astype(np.float32)
    return unit


def softmax(logits: Array) -> Array:
    """Return scores that sum to one in each row, shape (n, labels) as the logits."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores: Array = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return scores
