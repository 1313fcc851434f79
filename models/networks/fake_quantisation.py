"""Values of a network in training -> the same values rounded to 8 bits (fake quantisation).

As in TFLite's int8: a kernel has one scale per output channel and no zero point (codes -127..127), a map has one scale
and one zero point for all channels (codes -128..127), and zero is exact. Gradients pass straight through, except for
clipped values (Jacob et al., arXiv 1712.05877).
"""

from dataclasses import dataclass

import torch

_KERNEL_CODES, _MAP_CODES = (-127, 127), (-128, 127)
_LEAST = 1e-8  # avoids a scale of zero


@dataclass(frozen=True, slots=True)
class ValueRange:
    """The least and the greatest value of a map; includes zero."""

    low: float
    high: float


def range_of(values: torch.Tensor) -> ValueRange:
    """Return the value range of a map."""
    return ValueRange(min(0.0, float(values.min())), max(0.0, float(values.max())))


def fake_quantised_kernel(kernel: torch.Tensor) -> torch.Tensor:
    """Return a kernel, shape (outputs, ...), rounded to its 8-bit codes."""
    greatest = kernel.detach().abs().amax(dim=tuple(range(1, kernel.ndim)))
    scales = (greatest / _KERNEL_CODES[1]).clamp(min=_LEAST)
    offsets = torch.zeros_like(scales, dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(kernel, scales, offsets, 0, *_KERNEL_CODES)


def fake_quantised_map(values: torch.Tensor, value_range: ValueRange) -> torch.Tensor:
    """Return a map, of any shape, rounded to its 8-bit codes; values out of range are clipped."""
    low, high = _MAP_CODES
    scale = max((value_range.high - value_range.low) / (high - low), _LEAST)
    offset = min(high, max(low, round(low - value_range.low / scale)))
    return torch.fake_quantize_per_tensor_affine(values, scale, offset, low, high)
