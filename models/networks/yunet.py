"""The convolutions of YuNet -> its TFLite file.

The network is that of the ONNX file (Wu et al., Machine Intelligence Research 20, 2023; version of March 2023), written
so that TFLite runs it well. No rewrite changes a number beyond float rounding:

- The input is RGB, 0..255: the first convolution's input channels, BGR in the ONNX file, are swapped.
- The first convolution pads one row and column before the picture. TFLite's padding with a stride of 2 would pad after
  it. So the input has a row of zeros on top and a column of zeros on the left, and the convolution is not padded.
- The four heads of a level (class, object, box, keypoints) are one 1x1 and one depthwise convolution with 16 outputs.
- The sigmoids of class and object are left to the caller, who needs them for one cell in a thousand.
- No constant depends on the size, so the input can be resized to any multiple of 32, and one row and column.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from models.arrays import Array
from models.networks.convolution import Convolution
from models.networks.levels import Range
from models.networks.tflite_graph import Tensor, TfliteGraph

STRIDES = (8, 16, 32)
"""Pixels of the picture from one cell of an output to the next."""
CLASS, OBJECT, BOX, KEYPOINTS = slice(0, 1), slice(1, 2), slice(2, 6), slice(6, 16)
"""Channels of an output."""

FLOAT_LAYERS = ("h", "a4", *(f"p{number}." for number in range(7, 13)))
"""What the file in 8 bits keeps in float32: the small maps and the heads. Chosen on composed scenes: see the card."""

UNITS, LEVELS = 14, len(STRIDES)
_KINDS = 4  # in the ONNX file: class, box, object, keypoints, each at three levels
_ORDER = (0, 2, 1, 3)  # class, object, box, keypoints

Layers = Mapping[str, Convolution]
"""By name: `c0`, the 1x1 and depthwise convolutions `p0.pw`, `p0.dw` ... of 14 units, `h8.pw`, `h8.dw` ... of heads."""


def layers(convolutions: Sequence[Convolution]) -> Layers:
    """Return the layers of YuNet.

    Args:
        convolutions: those of the ONNX file, in execution order.

    Raises:
        ValueError: this is another network.
    """
    first, rest = convolutions[0], convolutions[1:]
    pairs = [(rest[at], rest[at + 1]) for at in range(0, len(rest) - 1, 2)]
    if len(rest) % 2 or len(pairs) != UNITS + LEVELS * _KINDS:
        raise ValueError(
            f"YuNet has {1 + 2 * (UNITS + LEVELS * _KINDS)} convolutions, this network {len(convolutions)}"
        )
    found = {"c0": Convolution(depthwise=False, kernel=first.kernel[:, :, ::-1], bias=first.bias, slope=None)}
    for number, (pointwise, depthwise) in enumerate(pairs[:UNITS]):
        found |= {f"p{number}.pw": pointwise, f"p{number}.dw": depthwise}
    for level, stride in enumerate(STRIDES):
        kinds = [pairs[UNITS + LEVELS * kind + level] for kind in _ORDER]
        found[f"h{stride}.pw"] = _joined([pointwise for pointwise, _ in kinds], axis=3)
        found[f"h{stride}.dw"] = _joined([depthwise for _, depthwise in kinds], axis=2)
    return found


def tflite(
    given: Layers,
    size: tuple[int, int],
    ranges: Mapping[str, Range] | None = None,
    probed: Sequence[str] = (),
) -> bytes:
    """Return the content of the TFLite file.

    Args:
        given: the layers.
        size: height and width of the picture, multiples of 32; the input has one row and one column more.
        ranges: by the name of a tensor, for 8 bits; None writes float32.
        probed: names of tensors that become outputs, too.
    """
    graph = TfliteGraph(ranges, FLOAT_LAYERS)
    made: dict[str, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        made[tensor.name] = tensor
        return tensor

    def unit(name: str, source: Tensor, *, relu: bool = True) -> Tensor:
        between = keep(graph.convolve(f"{name}.pw", source, given[f"{name}.pw"]))
        return keep(graph.convolve(f"{name}.dw", between, given[f"{name}.dw"], relu=relu))

    image = graph.image("image", size[0] + 1, size[1] + 1)
    x = keep(graph.convolve("c0", image, given["c0"], stride=2, padded=False, relu=True))
    x = graph.halve("m0", unit("p0", x))
    for number in (1, 2, 3, 4):
        x = unit(f"p{number}", x)
    c3 = unit("p6", unit("p5", graph.halve("m1", x)))
    c4 = unit("p8", unit("p7", graph.halve("m2", c3)))
    c5 = unit("p10", unit("p9", graph.halve("m3", c4)))
    p5 = unit("p11", c5)
    p4 = unit("p12", keep(graph.add("a4", c4, graph.double("u5", p5))))
    p3 = unit("p13", keep(graph.add("a3", c3, graph.double("u4", p4))))
    outputs = {
        f"cells_{stride}": unit(f"h{stride}", source, relu=False)
        for stride, source in zip(STRIDES, (p3, p4, p5), strict=True)
    }
    return graph.content({"image": image}, outputs | {name: made[name] for name in probed}, "YuNet, March 2023")


def _joined(parts: Sequence[Convolution], axis: int) -> Convolution:
    kernel: Array = np.concatenate([part.kernel for part in parts], axis=axis)
    return Convolution(parts[0].depthwise, kernel, np.concatenate([part.bias for part in parts]), None)
