"""Values in 8 bits: scales and zero points, as TFLite defines them."""

import numpy as np
import pytest

from models.networks.levels import Range, levels, quantise_bias, quantise_kernel


@pytest.mark.parametrize(
    ("least", "greatest", "scale", "zero_point"),
    [
        (0.0, 255.0, 1.0, -128),
        (-1.0, 1.0, 2 / 255, 0),
        (2.0, 5.1, 0.02, -128),
        (-5.1, -2.0, 0.02, 127),
        (0, 0, 1, -128),
    ],
)
def test_a_range_always_covers_zero(least: float, greatest: float, scale: float, zero_point: int) -> None:
    """Padding is zero, so zero has a level of its own; tolerance 1e-6."""
    found = levels(Range(least, greatest))
    assert found.scale == pytest.approx(scale, rel=1e-6)
    assert found.zero_point == zero_point


@pytest.mark.parametrize("axis", [0, 3])
def test_each_output_channel_of_a_kernel_has_its_own_scale(axis: int) -> None:
    """Its greatest weight is level 127; a channel of zeros stays zeros. Tolerance half a level."""
    kernel = np.random.default_rng(1).normal(size=(4, 3, 3, 4)).astype(np.float32)
    kernel = np.moveaxis(kernel, 0, axis)
    chosen: list[slice | int] = [slice(None)] * 4
    chosen[axis] = 2
    kernel[tuple(chosen)] = 0
    whole, scales = quantise_kernel(kernel, axis)
    by_channel = scales.reshape([-1 if number == axis else 1 for number in range(4)])
    assert np.abs(whole * by_channel - kernel).max() <= scales.max() / 2 + 1e-7
    assert not whole[tuple(chosen)].any()
    assert np.abs(whole).max() == 127


def test_a_bias_has_the_scales_of_its_sums() -> None:
    """The kernel's times the source's; tolerance half a level."""
    bias = np.array([1.0, -2.5], np.float32)
    whole, scales = quantise_bias(bias, np.array([0.01, 0.02], np.float32), 0.5)
    assert scales == pytest.approx([0.005, 0.01])
    assert whole * scales == pytest.approx(bias, abs=0.005)
