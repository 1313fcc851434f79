"""Equalised channels, and the ranges that they are equalised by."""

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("tensorflow", reason="TensorFlow is not installed: pip install 'facenode[train]'")

import tiny_network

from models.networks.backbones import BACKBONES
from models.networks.convolution import Convolution
from models.networks.equalisation import equalise, inner_convolutions
from models.networks.keras_network import channel_ranges, keras_backbone
from models.networks.plan import PICTURE, Activation, Plan, PlanBuilder

PLAN = BACKBONES["mobilefacenet"]()


def _crops(count: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (count, 112, 112, 3), dtype=np.uint8)


def test_equalisation_keeps_the_function() -> None:
    """Moving scales between layers changes no output: taps differ by at most 1e-5 of the greatest value.

    The map of `last` is divided too, and the heads read it: `divided` gives the divisor.
    """
    layers = tiny_network.convolutions()
    plain = keras_backbone(PLAN, layers)
    even = equalise(PLAN, layers, channel_ranges(PLAN, plain, _crops(4)))
    before, after = plain(_crops(2)), keras_backbone(PLAN, even.convolutions)(_crops(2))
    for tap, value in before.items():
        expected, found = (
            np.asarray(value),
            np.asarray(after[tap]) * (even.divided["last"] if tap in tiny_network.BANDS else 1),
        )
        assert float(np.abs(found - expected).max()) <= 1e-5 * float(np.abs(expected).max()), tap


def test_equalisation_gives_the_inputs_of_a_depthwise_convolution_one_range() -> None:
    """Each channel between an expansion and its depthwise convolution then has a range of one (tolerance 1e-4)."""
    layers = tiny_network.convolutions()
    even = equalise(PLAN, layers, channel_ranges(PLAN, keras_backbone(PLAN, layers), _crops(4)))
    found = channel_ranges(PLAN, keras_backbone(PLAN, even.convolutions), _crops(4))["stage28_0_expand"]
    assert found == pytest.approx(np.ones_like(found), abs=1e-4)


@pytest.mark.parametrize(("activation", "reach"), [("prelu", 3.0), ("relu", 1.0)])
def test_a_range_covers_only_quantised_values(activation: Activation, reach: float) -> None:
    """A PReLU in 8 bits is several steps. A ReLU is fused with its convolution: values that it clips have no codes."""
    builder = PlanBuilder()
    x = builder.convolve("stem", PICTURE, 1, activation=activation)
    builder.convolve("end", x, 1, activation="none")
    plan = Plan("small", (127.5,) * 3, (127.5,) * 3, tuple(builder.steps), {})
    slope = np.full(1, 0.1, dtype=np.float32) if activation == "prelu" else None
    stem = Convolution(
        False, np.array([2.0, 0, 0], dtype=np.float32).reshape(1, 1, 3, 1), -np.ones(1, np.float32), slope
    )
    end = Convolution(False, np.ones((1, 1, 1, 1), dtype=np.float32), np.zeros(1, np.float32), None)
    crops = np.zeros((2, 4, 4, 3), dtype=np.uint8)  # black is -1, white 1: -3 and 1 after the convolution
    crops[1] = 255
    found = channel_ranges(plan, keras_backbone(plan, (stem, end), (4, 4)), crops, before=True)
    assert found["stem"] == pytest.approx([reach], abs=1e-5)


def test_unused_channels_keep_their_weights() -> None:
    """A channel that is always zero has no range to divide by."""
    layers = tiny_network.convolutions()
    even = equalise(PLAN, layers, {"stem": np.zeros(layers[0].kernel.shape[3], dtype=np.float32)})
    assert np.array_equal(even.convolutions[0].kernel, layers[0].kernel)


def test_channels_that_hardly_ever_fire_are_divided_within_bounds() -> None:
    """One with a hundred-thousandth of the greatest range counts as a ten-thousandth: XNNPACK bounds the scales."""
    layers = tiny_network.convolutions()
    ranges = np.ones(layers[0].kernel.shape[3], dtype=np.float32)
    ranges[0] = 1e-5
    divided = equalise(PLAN, layers, {"stem": ranges}).divided["stem"]
    assert divided[0] == pytest.approx(1e-4, rel=1e-5)
    assert divided[1:] == pytest.approx(ranges[1:], rel=1e-5)


def test_residual_maps_are_not_equalised() -> None:
    """Several layers read them, so they keep their scale."""
    found = set(inner_convolutions(PLAN))
    assert not {"stage28_0_project", "stage14_6_project", "embedding_project"} & found
    assert {"stem", "stage14_3_expand", "stage7_2_depthwise", "last", "whole_face", "whole_face_project"} <= found
