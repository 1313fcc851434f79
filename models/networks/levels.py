"""Ranges and weights in float32 -> 8 bits with their scales, as TFLite defines them.

A value is `scale * (level - zero_point)`. Results have one scale a tensor; kernels have one an output channel and the
zero point 0 (TensorFlow Lite 8-bit quantization specification).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

_LEAST, _GREATEST = -128, 127


class Range(NamedTuple):
    """The least and the greatest value of a tensor."""

    least: float
    greatest: float


class Levels(NamedTuple):
    """How a result is stored in 8 bits."""

    scale: float
    zero_point: int


def levels(values: Range) -> Levels:
    """Return the scale and zero point at which int8 covers a range and zero."""
    least, greatest = min(values.least, 0.0), max(values.greatest, 0.0)
    scale = (greatest - least) / (_GREATEST - _LEAST) or 1.0
    zero_point = int(np.clip(round(_LEAST - least / scale), _LEAST, _GREATEST))
    return Levels(float(np.float32(scale)), zero_point)


def quantise_kernel(kernel: npt.NDArray[np.float32], axis: int) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Return a kernel in int8 and the scale of each output channel, which are along `axis`."""
    others = tuple(number for number in range(kernel.ndim) if number != axis)
    scales = np.abs(kernel).max(axis=others) / _GREATEST
    scales = np.where(scales > 0, scales, 1).astype(np.float32)
    by_channel = scales.reshape([-1 if number == axis else 1 for number in range(kernel.ndim)])
    whole = np.clip(np.round(kernel / by_channel), -_GREATEST, _GREATEST).astype(np.int8)
    return whole, scales


def quantise_bias(
    bias: npt.NDArray[np.float32], kernel_scales: npt.NDArray[np.float32], source_scale: float
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]:
    """Return a bias in int32 and its scales: those of the kernel's channels times the source's."""
    scales = kernel_scales.astype(np.float64) * source_scale
    return np.round(bias / scales).astype(np.int32), scales
