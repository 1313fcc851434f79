"""Convolutions -> the same function with evener weights, which lose less when they are quantised.

PReLU is positively homogeneous: PReLU(s x) = s PReLU(x) for s > 0. So what a channel is divided by in one convolution
can be multiplied back in the next, if nothing else reads it. Choosing s so that both keep the same greatest weight in
that channel is cross-layer equalisation (Nagel et al., arXiv 1906.04721); without it a few large channels set the scale
of quantisation for all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from models.vectors import Array
from models.weights import Convolution

_ROUNDS = 30  # a depthwise convolution is evened with both its neighbours, so the scales settle over some rounds
_LEAST = 1e-8  # a channel that is never used keeps its weights


def equalised(convolutions: Sequence[Convolution], pairs: Iterable[tuple[int, int]]) -> tuple[Convolution, ...]:
    """Return convolutions that compute the same.

    Args:
        convolutions: in the order in which they run.
        pairs: numbers of two convolutions of which the second alone reads the first, with PReLU or nothing between.
    """
    changed = list(convolutions)
    pairs = tuple(pairs)
    for _ in range(_ROUNDS):
        for first, second in pairs:
            before, after = _greatest_made(changed[first]), _greatest_read(changed[second])
            used = (before > _LEAST) & (after > _LEAST)
            scale = np.where(used, np.sqrt(np.maximum(before, _LEAST) / np.maximum(after, _LEAST)), 1.0)
            changed[first] = _making(changed[first], 1 / scale)
            changed[second] = _reading(changed[second], scale)
    return tuple(changed)


def _greatest_made(convolution: Convolution) -> Array:
    """Return the greatest weight behind each output, shape (outputs,)."""
    axes = (0, 1, 3) if convolution.depthwise else (0, 1, 2)
    greatest: Array = np.abs(convolution.kernel).max(axis=axes)
    return greatest


def _greatest_read(convolution: Convolution) -> Array:
    """Return the greatest weight that reads each input, shape (inputs,)."""
    greatest: Array = np.abs(convolution.kernel).max(axis=(0, 1, 3))
    return greatest


def _making(convolution: Convolution, scale: Array) -> Convolution:
    """Return a convolution whose outputs are multiplied by a scale, shape (outputs,)."""
    shape = (1, 1, -1, 1) if convolution.depthwise else (1, 1, 1, -1)
    return replace(
        convolution,
        kernel=(convolution.kernel * scale.reshape(shape)).astype(np.float32),
        bias=(convolution.bias * scale).astype(np.float32),
    )


def _reading(convolution: Convolution, scale: Array) -> Convolution:
    """Return a convolution that takes inputs divided by a scale, shape (inputs,), and gives what it gave."""
    return replace(convolution, kernel=(convolution.kernel * scale.reshape(1, 1, -1, 1)).astype(np.float32))
