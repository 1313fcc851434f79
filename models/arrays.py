"""Rows of numbers -> rows of unit length, whose products are cosines, or rows of softmax scores."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

_LEAST_SQUARE = 1e-12


def unit_rows(vectors: Array) -> Array:
    """Return vectors, shape (n, length), scaled to unit length; a zero vector stays zero."""
    lengths = np.sqrt(np.maximum(np.sum(vectors**2, axis=-1, keepdims=True), _LEAST_SQUARE))
    unit: Array = (vectors / lengths).astype(np.float32)
    return unit


def softmax(logits: Array) -> Array:
    """Return the softmax of logits, shape (n, labels); each row sums to one."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores: Array = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return scores
