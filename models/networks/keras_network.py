"""Plan and weights -> the network in Keras: a backbone, and heads that read several of its feature maps.

Batch norm is folded into the convolutions. The normalisation of the input is part of the graph.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from models.arrays import Array, unit_rows
from models.errors import DataError
from models.names import EMBEDDING, IDENTITY, INPUT
from models.networks.checkpoint import HeadWeights, Scale
from models.networks.convolution import Convolution
from models.networks.equalisation import inner_convolutions
from models.networks.plan import PICTURE, Convolve, Join, Plan, Pool

_BATCH = 32  # pictures per forward pass

Tensor = Any  # Keras gives its symbolic tensors no public type.


def keras_backbone(
    plan: Plan, convolutions: Sequence[Convolution], size: tuple[int, int] = (112, 112), *, split_prelu: bool = False
) -> keras.Model:
    """Build a backbone.

    Args:
        plan: its plan.
        convolutions: its weights, in the plan's order.
        size: height and width of the input, pixels.
        split_prelu: write PReLU as two ReLUs, one for each sign, which run fast in 8 bits; see `_prelu_of_two`.

    Returns:
        A model from (n, height, width, 3), values 0..255, RGB, to the plan's taps by name: the means over the maps,
        shape (n, channels), and the embedding, not normalised, shape (n, 192).

    Raises:
        DataError: the weights do not fit the plan.
    """
    if len(convolutions) != len(plan.convolutions):
        raise DataError(
            f"{len(convolutions)} convolutions, not the {len(plan.convolutions)} of a {plan.name}: the file is that of "
            "another network"
        )
    weights = dict(zip((step.name for step in plan.convolutions), convolutions, strict=True))
    image = keras.Input((*size, 3), dtype="uint8", name=INPUT)
    maps = {PICTURE: _normalised(image, plan)}
    for step in plan.steps:
        given = [maps[source] for source in step.sources]
        if isinstance(step, Convolve):
            maps[step.name] = _convolved(given[0], step, weights[step.name], split_prelu=split_prelu)
        elif isinstance(step, Pool):
            maps[step.name] = _pooled(given[0], step)
        else:
            maps[step.name] = _joined(given, step)
    taps = {}
    for name, band in plan.taps.items():
        rows = maps[band.step]
        if band.first is not None and band.end is not None:
            rows = keras.layers.Cropping2D(((band.first, rows.shape[1] - band.end), (0, 0)), name=name)(rows)
        taps[name] = keras.layers.GlobalAveragePooling2D(name=f"{name}_mean")(rows)
    taps[EMBEDDING] = keras.layers.Flatten(name="embedding_flat")(maps[plan.last])
    return keras.Model(image, taps, name=plan.name)


def channel_ranges(
    plan: Plan, base: keras.Model, crops: npt.NDArray[np.uint8], *, before: bool = False
) -> dict[str, Array]:
    """Return by inner convolution the greatest absolute value of each channel, shape (channels,).

    Args:
        plan: plan of the backbone.
        base: the backbone.
        crops: representative inputs, shape (n, height, width, 3), uint8, RGB.
        before: also count the values before a PReLU, which are quantised where it is written as steps of its own. A
            ReLU is fused with its convolution.
    """
    known = {layer.name for layer in base.layers}

    def measured_layers(name: str) -> tuple[str, ...]:
        if f"{name}_prelu" in known:
            return (name, f"{name}_prelu") if before else (f"{name}_prelu",)
        return (f"{name}_relu" if f"{name}_relu" in known else name,)

    ends = {name: measured_layers(name) for name in inner_convolutions(plan)}
    layers = {end for found in ends.values() for end in found}
    model = keras.Model(base.input, {end: base.get_layer(end).output for end in sorted(layers)})
    greatest = dict.fromkeys(layers, np.zeros(1, dtype=np.float32))
    for part in range(0, len(crops), _BATCH):
        for end, values in model(crops[part : part + _BATCH]).items():
            greatest[end] = np.maximum(greatest[end], np.abs(np.asarray(values)).max(axis=(0, 1, 2)))
    return {name: np.max([greatest[end] for end in found], axis=0) for name, found in ends.items()}


def keras_network(
    base: keras.Model, means: Array, sharpness: float, scales: Mapping[str, Scale], groups: Mapping[str, HeadWeights]
) -> keras.Model:
    """Put the heads on a backbone.

    Args:
        base: the backbone, which gives its taps.
        means: mean embedding of each person of the closed set, shape (people, n); not normalised.
        sharpness: factor on the cosine to them before the softmax.
        scales: scales of the taps.
        groups: the trained heads by name.

    Returns:
        A model of the backbone's input that gives, by name: `embedding`, shape (n, 192), unit length; `identity` and
        the trained heads, softmax scores, shape (n, labels).
    """
    taps = base.output
    unit = keras.layers.UnitNormalization(axis=-1, name="embedding_unit")(taps[EMBEDDING])
    people = keras.layers.Dense(len(means), use_bias=False, name="identity_cosine")
    outputs = {EMBEDDING: unit, IDENTITY: keras.layers.Softmax(name="identity_score")(people(unit))}
    people.set_weights([sharpness * unit_rows(means).T])
    standard = {tap: _standardised(taps[tap], tap, scale) for tap, scale in scales.items()}
    for name, group in groups.items():
        outputs[name] = _head(standard, name, group)
    return keras.Model(base.input, outputs, name="facenode")


def _normalised(image: Tensor, plan: Plan) -> Tensor:
    mean, spread = np.array(plan.mean), np.array(plan.spread)
    scale, offset = 1 / spread, -mean / spread
    if len(set(plan.mean)) == len(set(plan.spread)) == 1:
        return keras.layers.Rescaling(float(scale[0]), offset=float(offset[0]), name="normalise")(image)
    return keras.layers.Rescaling(scale.tolist(), offset=offset.tolist(), name="normalise")(image)


def _convolved(x: Tensor, step: Convolve, weights: Convolution, *, split_prelu: bool) -> Tensor:
    wanted = (*step.kernel, x.shape[3], 1) if step.depthwise else (*step.kernel, x.shape[3], weights.kernel.shape[3])
    if weights.depthwise != step.depthwise or weights.kernel.shape != wanted:
        raise DataError(f"layer {step.name} has weights of another shape: the file is that of another network")
    settings = {"strides": step.stride, "padding": step.padding, "name": step.name}
    if step.depthwise:
        layer = keras.layers.DepthwiseConv2D(step.kernel, **settings)
    else:
        layer = keras.layers.Conv2D(weights.kernel.shape[3], step.kernel, **settings)
    x = layer(x)
    layer.set_weights([weights.kernel, weights.bias])
    if weights.slope is not None:
        return _prelu_of_two(x, step.name, weights.slope) if split_prelu else _prelu(x, step.name, weights.slope)
    return keras.layers.ReLU(name=f"{step.name}_relu")(x) if step.activation == "relu" else x


def _prelu(x: Tensor, name: str, slope: Array) -> Tensor:
    layer = keras.layers.PReLU(shared_axes=(1, 2), name=f"{name}_prelu")
    x = layer(x)
    layer.set_weights([slope.reshape(1, 1, -1)])
    return x


def _prelu_of_two(x: Tensor, name: str, slope: Array) -> Tensor:
    """Return relu(x) - slope * relu(-x), as depthwise convolutions of 1 x 1, which have a scale per channel."""
    ones = np.ones((1, 1, len(slope), 1), dtype=np.float32)
    above = _per_channel(x, f"{name}_above", ones, rectified=True)
    below = _per_channel(x, f"{name}_below", -ones, rectified=True)
    scaled = _per_channel(below, f"{name}_slope", (-slope).reshape(ones.shape).astype(np.float32), rectified=False)
    return keras.layers.Add(name=f"{name}_prelu")([above, scaled])


def _per_channel(x: Tensor, name: str, factors: Array, *, rectified: bool) -> Tensor:
    activation = "relu" if rectified else None
    layer = keras.layers.DepthwiseConv2D(1, use_bias=False, activation=activation, name=name)
    x = layer(x)
    layer.set_weights([factors])
    return x


def _pooled(x: Tensor, step: Pool) -> Tensor:
    kind = keras.layers.MaxPooling2D if step.kind == "max" else keras.layers.AveragePooling2D
    return kind(step.size, strides=step.stride, padding=step.padding, name=step.name)(x)


def _joined(given: list[Tensor], step: Join) -> Tensor:
    kind = keras.layers.Add if step.how == "add" else keras.layers.Concatenate
    return kind(name=step.name)(given)


def _standardised(tap: Tensor, name: str, scale: Scale) -> Tensor:
    layer = keras.layers.Normalization(mean=scale.mean, variance=scale.spread**2, name=f"{name}_standard")
    return layer(tap)


def _head(taps: Mapping[str, Tensor], name: str, group: HeadWeights) -> Tensor:
    hidden, labels = group.kernel.shape
    layers = {tap: keras.layers.Dense(hidden, use_bias=tap == EMBEDDING, name=f"{name}_{tap}") for tap in group.taps}
    # Stacked and summed instead of added: conversion tells heads from backbone by operation, and a backbone adds too.
    projected = keras.ops.stack([layers[tap](taps[tap]) for tap in group.taps], axis=1)
    summed = keras.ops.sum(projected, axis=1)
    answer = keras.layers.Dense(labels, activation="softmax", name=f"{name}_score")
    scores = answer(keras.layers.ReLU(name=f"{name}_hidden")(summed))
    for tap, kernel in group.taps.items():
        layers[tap].set_weights([kernel, group.bias] if tap == EMBEDDING else [kernel])
    answer.set_weights([group.kernel / group.temperature, group.answer_bias / group.temperature])
    return scores
