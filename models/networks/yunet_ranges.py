"""YuNet's layers and representative pictures -> layers whose tensors fill their ranges evenly, and those ranges.

Results have one scale a tensor, so a channel with a small range would get few levels. Between a 1x1 convolution and the
depthwise one behind it there is no activation, and a depthwise kernel has a scale for each channel: there the channels
are divided by their ranges, which costs nothing. Across a ReLU that a single 1x1 convolution reads, they are divided by
the square root of the channel's range over the greatest weight that reads it (cross-layer equalisation, Nagel et al.,
arXiv 1906.04721).

What is measured is rounded, so that processors whose sums differ in their last bits give the same file.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from models.arrays import Array
from models.networks.convolution import Convolution
from models.networks.levels import Range
from models.networks.yunet import STRIDES, UNITS, Layers
from node.domain import Image

COVERED = 0.98
"""Share of the pictures whose extreme values a tensor's range covers; what is beyond is clipped."""

Answers = Mapping[str, Array]
"""By the name of a tensor: its values, shape (rows, columns, channels)."""

_PAIRS = (*(f"p{number}" for number in range(UNITS)), *(f"h{stride}" for stride in STRIDES))
_READERS = {"c0": "p0", **{f"p{n}.dw": f"p{n + 1}" for n in (0, 1, 2, 3, 4, 5, 7, 9, 10)}}
"""By layer: the pair that alone reads it."""
_GREATEST_SCALE, _LEAST_SHARE, _LEAST_WEIGHT, _LEAST_REACH = 16.0, 1e-4, 1e-3, 1e-6
_DIGITS = 4

MEASURED = ("c0", *(f"{pair}.{part}" for pair in _PAIRS for part in ("pw", "dw")), "a3", "a4")
"""The tensors that `extremes` needs."""


class Extremes:
    """The least and greatest values of each channel, picture by picture."""

    def __init__(self) -> None:
        self._least: dict[str, list[Array]] = {name: [] for name in MEASURED}
        self._greatest: dict[str, list[Array]] = {name: [] for name in MEASURED}

    def add(self, answers: Answers) -> None:
        """Take the values of one picture."""
        for name in MEASURED:
            self._least[name].append(answers[name].min(axis=(0, 1)))
            self._greatest[name].append(answers[name].max(axis=(0, 1)))

    def reach(self, name: str) -> Array:
        """Return the greatest absolute value of each channel, shape (channels,)."""
        both = np.maximum(np.abs(self._least[name]).max(axis=0), np.abs(self._greatest[name]).max(axis=0))
        return _rounded(both + _LEAST_REACH)

    def ranges(self) -> dict[str, Range]:
        """Return the range of each tensor that covers all but the rarest extremes."""
        return {
            name: Range(
                float(_rounded(np.quantile(np.min(self._least[name], axis=1), 1 - COVERED))),
                float(_rounded(np.quantile(np.max(self._greatest[name], axis=1), COVERED))),
            )
            for name in MEASURED
        }


def extremes(pictures: Iterable[Image], run: Callable[[Image], Answers]) -> Extremes:
    """Return the extreme values of all tensors over representative pictures.

    Args:
        pictures: shape (height, width, 3), uint8, RGB.
        run: returns the tensors named in `MEASURED` for a picture.
    """
    found = Extremes()
    for picture in pictures:
        found.add(run(picture))
    return found


def equalised(given: Layers, found: Extremes) -> Layers:
    """Return layers that compute the same outputs, with even ranges.

    Args:
        given: the layers.
        found: their extremes.
    """
    layers = dict(given)
    for name, pair in _READERS.items():
        reader = layers[f"{pair}.pw"]
        # Of (1, 1, inputs, outputs): for each input the greatest share of an output's greatest weight.
        weights = np.abs(reader.kernel[0, 0])
        column = (weights / weights.max(axis=0, keepdims=True)).max(axis=1)
        scale = np.sqrt(found.reach(name) / np.maximum(column, _LEAST_WEIGHT))
        scale = scale / np.exp(np.log(scale).mean())
        scale = _rounded(np.clip(scale, 1 / _GREATEST_SCALE, _GREATEST_SCALE))
        layers[name] = _written_by(layers[name], scale)
        layers[f"{pair}.pw"] = _read_by(reader, scale)
    for pair in _PAIRS:
        reach = found.reach(f"{pair}.pw")
        scale = _rounded(np.maximum(reach / reach.max(), _LEAST_SHARE))
        layers[f"{pair}.pw"] = _written_by(layers[f"{pair}.pw"], scale)
        layers[f"{pair}.dw"] = _read_by(layers[f"{pair}.dw"], scale)
    return layers


def _written_by(layer: Convolution, scale: Array) -> Convolution:
    """Return a convolution whose outputs are divided."""
    kernel = layer.kernel / (scale[:, np.newaxis] if layer.depthwise else scale)
    return replace(layer, kernel=kernel.astype(np.float32), bias=(layer.bias / scale).astype(np.float32))


def _read_by(layer: Convolution, scale: Array) -> Convolution:
    """Return a convolution whose inputs are multiplied."""
    return replace(layer, kernel=(layer.kernel * scale[:, np.newaxis]).astype(np.float32))


def _rounded(values: Array | Sequence[float] | np.float64) -> Array:
    """Return values of four significant digits."""
    values = np.asarray(values, np.float64)
    digits = _DIGITS - 1 - np.floor(np.log10(np.where(values == 0, 1, np.abs(values))))
    powers = 10.0**digits
    rounded: npt.NDArray[np.float64] = np.round(values * powers) / powers
    return rounded.astype(np.float32)
