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

from models.arrays import Array
from models.networks.convolution import Convolution
from models.networks.plan import Convolve, Plan

_LEAST = 1e-6  # a channel that is never used, or never read, keeps its weights


@dataclass(frozen=True, slots=True, eq=False)
class Equalised:
    """Convolutions that compute the same.

    Attributes:
        convolutions: in the order in which they run.
        divided: by name of a step, what its outputs were divided by, shape (outputs,).
    """

    convolutions: tuple[Convolution, ...]
    divided: Mapping[str, Array]


def inner_convolutions(plan: Plan) -> dict[str, str]:
    """Return by name each convolution that only one step reads, a convolution too, and the name of that one."""
    found = {}
    for step in plan.convolutions:
        readers = list(plan.readers(step.name))
        if len(readers) == 1 and isinstance(readers[0], Convolve):
            found[step.name] = readers[0].name
    return found


def equalise(plan: Plan, convolutions: Sequence[Convolution], ranges: Mapping[str, Array]) -> Equalised:
    """Even the channels between each of some inner convolutions and the one that reads it.

    Args:
        plan: of the backbone.
        convolutions: in the order in which they run.
        ranges: by name of an inner convolution the greatest absolute value of each of its channels, after what
            follows it, shape (outputs,). Who else reads such channels must multiply them by `divided`.
    """
    changed = {step.name: weights for step, weights in zip(plan.convolutions, convolutions, strict=True)}
    readers = inner_convolutions(plan)
    divided: dict[str, Array] = {}
    for name, reach in ranges.items():
        reader = changed[readers[name]]
        read = np.abs(reader.kernel).max(axis=(0, 1, 3))
        wanted = reach if reader.depthwise else np.sqrt(reach / np.maximum(read, _LEAST))
        scale = np.where((reach > _LEAST) & (read > _LEAST), wanted, 1.0).astype(np.float32)
        changed[name] = _making(changed[name], 1 / scale)
        changed[readers[name]] = _reading(reader, scale)
        divided[name] = scale
    return Equalised(tuple(changed.values()), divided)


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
