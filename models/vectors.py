"""Rows of numbers -> rows of unit length, so that a product of two is a cosine."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

_LEAST_SQUARE = 1e-12


def unit_rows(vectors: Array) -> Array:
    """Return vectors, shape (n, length), scaled to unit length; a vector of zeros stays one."""
    lengths = np.sqrt(np.maximum(np.sum(vectors**2, axis=-1, keepdims=True), _LEAST_SQUARE))
    unit: Array = (vectors / lengths).astype(np.float32)
    return unit
