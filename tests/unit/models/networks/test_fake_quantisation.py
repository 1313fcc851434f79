"""Fake quantisation to 8 bits in a network in training."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'facenode[train]'")

import torch

from models.networks.fake_quantisation import ValueRange, fake_quantised_kernel, fake_quantised_map, range_of


def test_a_kernel_has_a_scale_per_output_channel() -> None:
    """An output with small weights has its own 255 steps beside one with large weights (tolerance 1e-6)."""
    kernel = torch.tensor([[1.27, 0.004], [0.00127, 0.000004]])
    assert fake_quantised_kernel(kernel).numpy() == pytest.approx(np.array([[1.27, 0.0], [0.00127, 0.0]]), abs=1e-6)


def test_a_map_has_256_values_and_exact_zero() -> None:
    """Zeros of a ReLU and of padding stay zero; each other value moves by at most about a step."""
    values = torch.linspace(-0.31, 1.7, 5000)
    value_range = range_of(values)
    quantised = fake_quantised_map(values, value_range)
    assert len(quantised.unique()) == 256
    assert fake_quantised_map(torch.zeros(3), value_range).tolist() == [0.0, 0.0, 0.0]
    step = (value_range.high - value_range.low) / 255
    assert float((quantised - values).abs().max()) <= step * 1.01


def test_values_out_of_range_are_clipped() -> None:
    """As in an 8-bit map (tolerance 1e-6)."""
    assert fake_quantised_map(torch.tensor([-9.0, 9.0]), ValueRange(0.0, 2.55)).numpy() == pytest.approx(
        [0.0, 2.55], abs=1e-6
    )


def test_the_value_range_of_a_map_includes_zero() -> None:
    """Padding is zero, whatever the values are."""
    assert range_of(torch.tensor([2.0, 3.0])) == ValueRange(0.0, 3.0)
    assert range_of(torch.tensor([-2.0, -1.0])) == ValueRange(-2.0, 0.0)


def test_gradients_pass_straight_through() -> None:
    """Clipped values get no gradient, so they are not driven further out."""
    values = torch.tensor([0.5, 3.0], requires_grad=True)
    fake_quantised_map(values, ValueRange(0.0, 1.0)).sum().backward()
    assert values.grad is not None
    assert values.grad.tolist() == [1.0, 0.0]


def test_a_map_and_a_kernel_of_zeros_stay_zeros() -> None:
    """An unused channel causes no division by zero."""
    assert fake_quantised_map(torch.zeros(4), ValueRange(0.0, 0.0)).tolist() == [0.0] * 4
    assert fake_quantised_kernel(torch.zeros(2, 3)).abs().sum() == 0
