"""A float32 `.tflite` file -> the kernels, biases and PReLU slopes of its convolutions, in execution order."""

import hashlib
import struct
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from models.arrays import Array
from models.errors import DataError
from models.networks.convolution import Convolution


def read_convolutions(path: Path, sha256: str | None = None) -> tuple[Convolution, ...]:
    """Return the convolutions of a network.

    Older converters wrote PReLU as RELU(x) + (x - ABS(x)) * c. It is recognised too, with slope 2 c, since x - |x| is
    twice the negative part.

    Args:
        path: the `.tflite` file.
        sha256: the expected digest of the file, if known.

    Raises:
        DataError: the file is missing or damaged, has another digest, or is not a float32 network.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or error
        raise DataError(
            f"{path}: {reason}: name an existing file; those of a config are part of the face data"
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if sha256 is not None and found != sha256:
        raise DataError(f"{path}: sha256 is {found[:8]}…, expected {sha256[:8]}…: this is another file")
    if content[4:8] != _MAGIC:
        raise DataError(f"{path}: not a .tflite file: name a float32 network")
    try:
        return _Reader(path, schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))).convolutions()
    except (struct.error, ValueError, TypeError, IndexError, KeyError) as error:  # offsets beyond the end
        raise DataError(f"{path}: the .tflite file is damaged ({error}): download or export it again") from error


_MAGIC = b"TFL3"
_NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
_TYPES = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.INT32: np.int32}


class _Reader:
    """Read the operators of a file's only graph, in one pass."""

    def __init__(self, path: Path, model: Any) -> None:  # noqa: ANN401 - generated classes without types
        self._path = path
        self._model = model
        self._graph = model.subgraphs[0]
        self._parts: list[tuple[bool, Array, Array]] = []
        self._slopes: dict[int, Array] = {}
        self._maker: dict[int, int] = {}  # tensor -> the convolution that its values come from
        self._scaled: dict[int, Array] = {}  # tensor -> the constant factor in it

    def convolutions(self) -> tuple[Convolution, ...]:
        for operator in self._graph.operators:
            name = self._name(operator)
            inputs, output = [int(i) for i in operator.inputs], int(operator.outputs[0])
            if name in {"CONV_2D", "DEPTHWISE_CONV_2D"}:
                self._maker[output] = len(self._parts)
                self._parts.append(self._part(inputs, depthwise=name == "DEPTHWISE_CONV_2D"))
            elif name in {"RELU", "ABS", "SUB", "MUL", "ADD", "RESHAPE", "PRELU"}:
                self._pass_on(name, inputs, output)
        return tuple(
            Convolution(depthwise, kernel, bias, self._slopes.get(number))
            for number, (depthwise, kernel, bias) in enumerate(self._parts)
        )

    def _part(self, inputs: list[int], *, depthwise: bool) -> tuple[bool, Array, Array]:
        kernel, bias = self._constant(inputs[1]), self._constant(inputs[2])
        if kernel is None or bias is None:
            raise DataError(f"{self._path}: a convolution has no float32 weights: name the float32 file")
        # TFLite stores (outputs, rows, columns, inputs), and (1, rows, columns, channels) for a depthwise one.
        return depthwise, kernel.transpose(1, 2, 3, 0), bias

    def _pass_on(self, name: str, inputs: list[int], output: int) -> None:
        made = [i for i in inputs if i in self._maker]
        if made:
            self._maker[output] = self._maker[made[0]]
        if name == "MUL":
            constant = next((c for c in map(self._constant, inputs) if c is not None), None)
            if constant is not None:
                self._scaled[output] = constant
        if name == "ADD":  # a scaled tensor that comes from no convolution is the picture
            for scaled in (i for i in inputs if i in self._scaled and i in self._maker):
                self._slopes[self._maker[scaled]] = 2 * self._scaled[scaled].reshape(-1)
        if name == "PRELU" and made:
            slope = self._constant(inputs[1])
            if slope is not None:
                self._slopes[self._maker[output]] = slope.reshape(-1)

    def _name(self, operator: Any) -> str:  # noqa: ANN401 - as above
        code = self._model.operatorCodes[operator.opcodeIndex]
        name: str = _NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)]
        return name

    def _constant(self, tensor: int) -> Array | None:
        detail = self._graph.tensors[tensor]
        data = self._model.buffers[detail.buffer].data
        if data is None or detail.type not in _TYPES:
            return None
        raw = np.frombuffer(np.asarray(data, dtype=np.uint8).tobytes(), dtype=_TYPES[detail.type])
        return raw.reshape(detail.shape).astype(np.float32)
