"""Numbers of a network in training -> the same as 8 bits would hold them, so that it learns to bear it.

What TFLite's converter does to a network of 8 bits: a convolution's kernel has a scale for each output and no offset
(codes -127..127), a map has one scale and one offset for all its channels (codes -128..127), and zero is a code.
Gradients pass as if nothing were rounded, but for values that are cut off (Jacob et al., arXiv 1712.05877).
"""

from dataclasses import dataclass

import torch

_KERNEL_CODES, _MAP_CODES = (-127, 127), (-128, 127)
_LEAST = 1e-8  # a scale of nothing has no codes


@dataclass(frozen=True, slots=True)
class ValueRange:
    """The least and the greatest value of a map; zero lies within."""

    low: float
    high: float


def range_of(values: torch.Tensor) -> ValueRange:
    """Return how far the values of a map reach."""
    return ValueRange(min(0.0, float(values.min())), max(0.0, float(values.max())))


def fake_quantised_kernel(kernel: torch.Tensor) -> torch.Tensor:
    """Return a kernel, shape (outputs, ...), as its codes say it."""
    greatest = kernel.detach().abs().amax(dim=tuple(range(1, kernel.ndim)))
    scales = (greatest / _KERNEL_CODES[1]).clamp(min=_LEAST)
    offsets = torch.zeros_like(scales, dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(kernel, scales, offsets, 0, *_KERNEL_CODES)


def fake_quantised_map(values: torch.Tensor, reach: ValueRange) -> torch.Tensor:
    """Return a map, of any shape, as its codes say it; what is out of reach is cut off."""
    low, high = _MAP_CODES
    scale = max((reach.high - reach.low) / (high - low), _LEAST)
    offset = min(high, max(low, round(low - reach.low / scale)))
    return torch.fake_quantize_per_tensor_affine(values, scale, offset, low, high)
