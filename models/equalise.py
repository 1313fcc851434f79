"""Convolutions -> the same function with evener channels, which lose less when they are quantised.

PReLU is positively homogeneous: PReLU(x / s) = PReLU(x) / s for s > 0. So a channel can be divided by s where it is
made and multiplied by s where it is read: cross-layer equalisation (Nagel et al., arXiv 1906.04721). Here s is chosen
by what is quantised with one scale for all channels. A depthwise convolution has a scale of its own for each channel,
so only its input counts, and s is the channel's range. Another convolution's kernel has one scale over all its inputs,
so s is the root of the channel's range over the greatest weight that reads it, and both become equally even.

Measured over 447 faces on ai-edge-litert, as cosine between the quantised and the float32 embedding, mean and least:
.986 and .939 as it is, .997 and .989 by the weights alone, .999 and .998 by ranges.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.vectors import Array
from models.weights import Convolution

_LEAST = 1e-6  # a channel that is never used, or never read, keeps its weights


@dataclass(frozen=True, slots=True, eq=False)
class Equalised:
    """Convolutions that compute the same.

    Attributes:
        convolutions: in the order in which they run.
        divided: by number of a convolution, what its outputs were divided by, shape (outputs,).
    """

    convolutions: tuple[Convolution, ...]
    divided: Mapping[int, Array]


def equalised(convolutions: Sequence[Convolution], ranges: Mapping[int, Array]) -> Equalised:
    """Even the channels between each of some convolutions and the one after it.

    Args:
        convolutions: in the order in which they run.
        ranges: by number of a convolution that the next one reads, with PReLU or nothing between them, the greatest
            absolute value of each of its channels, after the PReLU, shape (outputs,). Who else reads such channels
            must multiply them by `divided`.
    """
    changed = list(convolutions)
    divided: dict[int, Array] = {}
    for number, reach in ranges.items():
        read = np.abs(convolutions[number + 1].kernel).max(axis=(0, 1, 3))
        wanted = reach if convolutions[number + 1].depthwise else np.sqrt(reach / np.maximum(read, _LEAST))
        scale = np.where((reach > _LEAST) & (read > _LEAST), wanted, 1.0).astype(np.float32)
        changed[number] = _making(changed[number], 1 / scale)
        changed[number + 1] = _reading(changed[number + 1], scale)
        divided[number] = scale
    return Equalised(tuple(changed), divided)


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
