"""A picture -> the faces in it, in pixels, by YuNet on a TFLite runtime."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from node.domain import Image
from node.vision.cells import CellDecoder, Cells, Rows

STRIDES = (8, 16, 32)
_GRAIN = 32
"""Pixels that height and width of the network's picture are multiples of: the largest stride."""
_SIGNATURE, _OUTPUT = "serving_default", "cells_{}"


class Interpreter(Protocol):
    """What is used of a TFLite interpreter; neither runtime has types."""

    def __getattr__(self, name: str) -> Any: ...  # noqa: ANN401 - as above


class Yunet:
    """The network at each size that pictures have.

    Args:
        start: returns an interpreter of the network's file for an input of this shape, with its tensors allocated.
        min_score: least score of a face, 0..1.
        kept: sizes that are kept ready, the latest ones.
    """

    def __init__(self, start: Callable[[tuple[int, ...]], Interpreter], min_score: float, kept: int) -> None:
        self._start, self._min_score, self._kept = start, min_score, kept
        start((1, _GRAIN + 1, _GRAIN + 1, 3))  # so that a damaged file is an error before a frame comes
        self._nets: OrderedDict[tuple[int, int], _SizedNet] = OrderedDict()

    def prepare(self, image: Image) -> "_SizedNet":
        """Return the network of a picture's size, which holds the picture.

        Args:
            image: shape (height, width, 3), uint8, RGB.
        """
        rows, columns = (-(-length // _GRAIN) * _GRAIN for length in image.shape[:2])
        net = self._nets.pop((rows, columns), None) or self._started((rows, columns))
        self._nets[rows, columns] = net
        if len(self._nets) > self._kept:
            self._nets.popitem(last=False)
        net.write(image)
        return net

    def find(self, image: Image) -> Rows:
        """Return the faces in a picture, the highest score first.

        Args:
            image: shape (height, width, 3), uint8, RGB.
        """
        net = self.prepare(image)
        net.invoke()
        return net.faces()

    def _started(self, size: tuple[int, int]) -> "_SizedNet":
        return _SizedNet(self._start((1, size[0] + 1, size[1] + 1, 3)), size, self._min_score)


class _SizedNet:
    """The network for pictures up to one size.

    A smaller picture has zeros on the right and below, as OpenCV pads it. The network's input has one more row and
    column of zeros, on top and on the left, which belong to its first convolution.

    Args:
        interpreter: of that input.
        size: height and width of the picture, pixels.
        min_score: least score of a face, 0..1.
    """

    def __init__(self, interpreter: Interpreter, size: tuple[int, int], min_score: float) -> None:
        self._interpreter = interpreter
        detail = interpreter.get_input_details()[0]
        self._input, eight_bits = detail["index"], detail["dtype"] == np.int8
        outputs = interpreter.get_signature_runner(_SIGNATURE).get_output_details()
        self._outputs = [outputs[_OUTPUT.format(stride)]["index"] for stride in STRIDES]
        self._decoder = CellDecoder(size, STRIDES, min_score)
        self._zero = -128 if eight_bits else 0
        self._filled = (0, 0)
        self._view()[...] = self._zero

    def write(self, image: Image) -> None:
        """Put a picture into the network."""
        rows, columns = image.shape[:2]
        view = self._view()
        if rows < self._filled[0] or columns < self._filled[1]:
            view[...] = self._zero
        self._filled = rows, columns
        target = view[0, 1 : rows + 1, 1 : columns + 1]
        if self._zero:
            # Level = value - 128: in bits, the first one flipped.
            np.bitwise_xor(image, np.uint8(128), out=target.view(np.uint8))
        else:
            np.copyto(target, image, casting="unsafe")

    def invoke(self) -> None:
        """Run the network on what it holds."""
        self._interpreter.invoke()

    def faces(self) -> Rows:
        """Return the faces that it found."""
        views = (self._interpreter.tensor(index)() for index in self._outputs)
        cells: list[Cells] = [view.reshape(-1, view.shape[-1]) for view in views]
        return self._decoder.faces(cells)

    def _view(self) -> npt.NDArray[Any]:
        # A view that lives on would keep the runtime from running: it is asked for each time.
        view: npt.NDArray[Any] = self._interpreter.tensor(self._input)()
        return view
