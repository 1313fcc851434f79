"""Weights -> the network in Keras: MobileFaceNet as the shared backbone, and heads that read several of its layers.

MobileFaceNet (Chen et al., arXiv 1804.07573) is made of MobileNetV2's inverted residuals, with PReLU, and ends in a
depthwise convolution over the whole last map instead of a mean, so that each place in a face keeps its own weight.
Batch norm is folded into the convolutions. The input's normalisation is part of the graph.

| stage | map | blocks |
| --- | --- | --- |
| stem | 56 x 56 x 64 | convolution /2, depthwise, projection |
| 28 | 28 x 28 x 64 | one block /2, four residual blocks |
| 14 | 14 x 14 x 128 | one block /2, six residual blocks |
| 7 | 7 x 7 x 128 | one block /2, two residual blocks |
| last | 7 x 7 x 512 | convolution |
| embedding | 192 | depthwise 7 x 7, two projections |
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from models.checkpoint import Group, Scale
from models.errors import DataError
from models.names import BANDS, EMBEDDING, IDENTITY, INPUT, TAPS
from models.vectors import Array, unit_rows
from models.weights import Convolution

Tensor = Any  # Keras gives its symbolic tensors no public type.

_STAGES = (("stage28", 5), ("stage14", 7), ("stage7", 3))  # the first block of each halves the map
_BLOCKS = tuple(f"{stage}_{number}" for stage, count in _STAGES for number in range(count))


class _Builder:
    """Adds layers and hands each convolution the next weights of the file."""

    def __init__(self, convolutions: Sequence[Convolution]) -> None:
        self._rest: Iterator[Convolution] = iter(convolutions)
        self.pending: list[tuple[keras.layers.Layer, list[Array]]] = []

    def convolve(self, x: Tensor, name: str, *, stride: int = 1, padding: str = "same") -> Tensor:
        weights = next(self._rest, None)
        if weights is None:
            raise DataError(f"the weights end before layer {name}: the file is no MobileFaceNet")
        rows, columns, _, outputs = weights.kernel.shape
        make = keras.layers.DepthwiseConv2D if weights.depthwise else _full(outputs)
        layer = make((rows, columns), strides=stride, padding=padding, name=name)
        try:
            x = layer(x)
        except ValueError as error:
            raise DataError(f"layer {name} does not take its input: the file is no MobileFaceNet") from error
        self.pending.append((layer, [weights.kernel, weights.bias]))
        if weights.slope is not None:
            prelu = keras.layers.PReLU(shared_axes=(1, 2), name=f"{name}_prelu")
            x = prelu(x)
            self.pending.append((prelu, [weights.slope.reshape(1, 1, -1)]))
        return x

    def block(self, x: Tensor, name: str, *, stride: int = 1) -> Tensor:
        """Add an inverted residual: expand, filter each channel, project, add the input where the shapes agree."""
        y = self.convolve(x, f"{name}_expand")
        y = self.convolve(y, f"{name}_depthwise", stride=stride)
        y = self.convolve(y, f"{name}_project")
        return y if stride > 1 else keras.layers.Add(name=f"{name}_add")([x, y])

    def fill(self) -> None:
        if next(self._rest, None) is not None:
            raise DataError("the file has more layers than a MobileFaceNet: it is another network")
        for layer, arrays in self.pending:
            if [tuple(w.shape) for w in layer.weights] != [a.shape for a in arrays]:
                raise DataError(f"layer {layer.name} has other shapes in the file: it is no MobileFaceNet")
            layer.set_weights(arrays)


def layer_names() -> tuple[str, ...]:
    """Return the names of the convolutions in the order in which they run."""
    inner = (f"{block}_{part}" for block in _BLOCKS for part in ("expand", "depthwise", "project"))
    tail = ("last", "whole_face", "whole_face_project", "embedding_project")
    return ("stem", "stem_depthwise", "stem_project", *inner, *tail)


def inner_layers() -> dict[int, str]:
    """Return by number the convolutions whose output enters no sum: the next one reads it, and of `last` the heads."""
    ends = tuple(f"{name}_project" for name in ("stem", "embedding", *_BLOCKS))
    return {number: name for number, name in enumerate(layer_names()) if name not in ends}


def channel_ranges(base: keras.Model, crops: npt.NDArray[np.uint8]) -> dict[int, Array]:
    """Return by number of each inner layer the greatest absolute value of its channels, shape (channels,).

    Args:
        base: the backbone.
        crops: typical inputs, shape (n, height, width, 3), uint8, RGB.
    """
    known = {layer.name for layer in base.layers}
    ends = {number: f"{name}_prelu" if f"{name}_prelu" in known else name for number, name in inner_layers().items()}
    model = keras.Model(base.input, {str(number): base.get_layer(name).output for number, name in ends.items()})
    ranges = dict.fromkeys(ends, np.zeros(1, dtype=np.float32))
    for crop in crops:
        for number, values in model(crop[np.newaxis]).items():
            greatest = np.abs(np.asarray(values)).max(axis=(0, 1, 2))
            ranges[int(number)] = np.maximum(ranges[int(number)], greatest)
    return ranges


def _full(outputs: int) -> Any:  # noqa: ANN401 - a factory of Keras layers
    def make(size: tuple[int, int], **settings: Any) -> keras.layers.Layer:  # noqa: ANN401 - Keras's own
        return keras.layers.Conv2D(outputs, size, **settings)

    return make


def backbone(convolutions: Sequence[Convolution], size: tuple[int, int] = (112, 112)) -> keras.Model:
    """Build MobileFaceNet.

    Args:
        convolutions: its weights, in the order in which they run.
        size: height and width of the input, pixels.

    Returns:
        A model of (n, height, width, 3), uint8 values 0..255, RGB, that gives the `TAPS` by name: the means over the
        maps, shape (n, channels), and the embedding as it leaves the last layer, shape (n, 192).

    Raises:
        DataError: the weights do not fit.
    """
    image = keras.Input((*size, 3), dtype="uint8", name=INPUT)
    build = _Builder(convolutions)
    # (x - 127.5) / 128, as the weights were trained with; both factors are exact in binary.
    x = keras.layers.Rescaling(1 / 128, offset=-127.5 / 128, name="normalise")(image)
    x = build.convolve(x, "stem", stride=2)
    x = build.convolve(x, "stem_depthwise")
    x = build.convolve(x, "stem_project")
    maps: dict[str, Tensor] = {}
    for stage, blocks in _STAGES:
        for number in range(blocks):
            x = build.block(x, f"{stage}_{number}", stride=1 if number else 2)
            maps[stage if number else f"{stage}_first"] = x
    x = build.convolve(x, "last")
    for band, (first, end) in BANDS.items():
        maps[band] = keras.layers.Cropping2D(((first, x.shape[1] - end), (0, 0)), name=band)(x)
    x = build.convolve(x, "whole_face", padding="valid")
    x = build.convolve(x, "whole_face_project")
    x = build.convolve(x, "embedding_project")
    taps = {name: keras.layers.GlobalAveragePooling2D(name=f"{name}_mean")(maps[name]) for name in TAPS[:-1]}
    taps[EMBEDDING] = keras.layers.Flatten(name="embedding_flat")(x)
    build.fill()
    return keras.Model(image, taps, name="mobilefacenet")


def network(
    base: keras.Model, means: Array, sharpness: float, scales: Mapping[str, Scale], groups: Mapping[str, Group]
) -> keras.Model:
    """Put the heads on a backbone.

    Args:
        base: the backbone, which gives the `TAPS`.
        means: mean embedding of each person of the closed set, shape (people, n); of any length.
        sharpness: what the cosine to them is multiplied by before the softmax.
        scales: of the taps.
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
        outputs[name] = _group(standard, name, group)
    return keras.Model(base.input, outputs, name="facenode")


def _standardised(tap: Tensor, name: str, scale: Scale) -> Tensor:
    layer = keras.layers.Normalization(mean=scale.mean, variance=scale.spread**2, name=f"{name}_standard")
    return layer(tap)


def _group(taps: Mapping[str, Tensor], name: str, group: Group) -> Tensor:
    hidden, labels = group.kernel.shape
    layers = {tap: keras.layers.Dense(hidden, use_bias=tap == EMBEDDING, name=f"{name}_{tap}") for tap in group.taps}
    summed = keras.layers.Add(name=f"{name}_sum")([layers[tap](taps[tap]) for tap in group.taps])
    answer = keras.layers.Dense(labels, activation="softmax", name=f"{name}_score")
    scores = answer(keras.layers.ReLU(name=f"{name}_hidden")(summed))
    for tap, kernel in group.taps.items():
        layers[tap].set_weights([kernel, group.bias] if tap == EMBEDDING else [kernel])
    answer.set_weights([group.kernel, group.answer_bias])
    return scores
