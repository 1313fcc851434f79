"""Operators, one after the other -> the content of a TFLite file with one graph and named inputs and outputs.

It writes the operators that a convolutional detector needs, in float32 or in 8 bits, without TensorFlow. Tensors have
names; all are (1, rows, columns, channels). Equal calls give equal bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from models.networks.convolution import Convolution
from models.networks.levels import Levels, Range, levels, quantise_bias, quantise_kernel

_SIGNATURE = "serving_default"
_VERSION = 3
_IDENTIFIER = b"TFL3"
_FIRST_BYTES = 1 << 20
_NONE, _RELU = schema.ActivationFunctionType.NONE, schema.ActivationFunctionType.RELU
_OPERATORS = schema.BuiltinOperator


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of the graph.

    Attributes:
        name: its name.
        index: its number in the file.
        shape: (1, rows, columns, channels).
        levels: scale and zero point in 8 bits; None in float32.
    """

    name: str
    index: int
    shape: tuple[int, int, int, int]
    levels: Levels | None


class TfliteGraph:
    """A graph to which operators are appended in execution order.

    Args:
        ranges: least and greatest value by the name of a tensor, for a graph in 8 bits; None writes float32. What only
            moves values, such as `halve`, has the range of its source.
        float_prefixes: how the names of tensors begin that are float32 in a graph in 8 bits, too.
    """

    def __init__(self, ranges: Mapping[str, Range] | None = None, float_prefixes: Sequence[str] = ()) -> None:
        self._ranges = None if ranges is None else dict(ranges)
        self._float_prefixes = tuple(float_prefixes)
        self._model = schema.ModelT(version=_VERSION, operatorCodes=[], buffers=[schema.BufferT()], metadata=[])
        self._graph = schema.SubGraphT(tensors=[], operators=[], name="main")
        self._codes: dict[tuple[int, int], int] = {}
        self._converted: dict[tuple[str, Levels | None], Tensor] = {}

    def image(self, name: str, rows: int, columns: int) -> Tensor:
        """Return the input of the graph: RGB, 0..255."""
        eight_bits = self._ranges is not None
        if self._ranges is not None:
            self._ranges[name] = Range(0.0, 255.0)
        return self._result(name, (1, rows, columns, 3), self._levels(name) if eight_bits else None)

    def convolve(
        self,
        name: str,
        source: Tensor,
        convolution: Convolution,
        *,
        stride: int = 1,
        padded: bool = True,
        relu: bool = False,
    ) -> Tensor:
        """Append a convolution.

        Args:
            name: of its result.
            source: what it reads.
            convolution: kernel and bias.
            stride: rows and columns from one place of the kernel to the next.
            padded: whether zeros around the source keep its size; False takes only places within the source.
            relu: whether negative results become zero.
        """
        wanted = self._wanted(name)
        source = self._as(source, None if wanted is None else source.levels or self._levels(source.name))
        kernel = _tflite_order(convolution)
        rows, columns = source.shape[1:3]
        if not padded:
            rows, columns = ((n - k) // stride + 1 for n, k in zip((rows, columns), kernel.shape[1:3], strict=True))
        channels = len(convolution.bias)
        result = self._result(name, (1, rows, columns, channels), wanted)
        constants = self._constants(name, kernel, convolution, source.levels)
        common = {
            "padding": schema.Padding.SAME if padded else schema.Padding.VALID,
            "strideW": stride,
            "strideH": stride,
            "fusedActivationFunction": _RELU if relu else _NONE,
        }
        version = 1 if wanted is None else 3
        inputs = [source.index, *constants]
        if convolution.depthwise:
            options = schema.DepthwiseConv2DOptionsT(depthMultiplier=1, **common)
            self._append(_OPERATORS.DEPTHWISE_CONV_2D, version, inputs, result, options)
        else:
            self._append(_OPERATORS.CONV_2D, version, inputs, result, schema.Conv2DOptionsT(**common))
        return result

    def halve(self, name: str, source: Tensor) -> Tensor:
        """Append a pooling that takes the greatest of each two by two values."""
        _, rows, columns, channels = source.shape
        result = self._moved(name, source, (1, rows // 2, columns // 2, channels))
        options = schema.Pool2DOptionsT(
            padding=schema.Padding.VALID,
            strideW=2,
            strideH=2,
            filterWidth=2,
            filterHeight=2,
            fusedActivationFunction=_NONE,
        )
        self._append(_OPERATORS.MAX_POOL_2D, _version(source), [source.index], result, options)
        return result

    def double(self, name: str, source: Tensor) -> Tensor:
        """Append an upsampling that writes each value two by two times.

        It is a concatenation and a depth-to-space: XNNPACK runs both, but not `RESIZE_NEAREST_NEIGHBOR`, and no
        constant of them depends on the size, so that the input can be resized.
        """
        _, rows, columns, channels = source.shape
        joined = self._moved(f"{name}.joined", source, (1, rows, columns, 4 * channels))
        options = schema.ConcatenationOptionsT(axis=3, fusedActivationFunction=_NONE)
        self._append(_OPERATORS.CONCATENATION, _version(source), [source.index] * 4, joined, options)
        result = self._moved(name, source, (1, 2 * rows, 2 * columns, channels))
        self._append(_OPERATORS.DEPTH_TO_SPACE, 1, [joined.index], result, schema.DepthToSpaceOptionsT(blockSize=2))
        return result

    def add(self, name: str, left: Tensor, right: Tensor) -> Tensor:
        """Append a sum of two tensors of equal shape."""
        wanted = self._wanted(name)
        both = [
            self._as(each, None if wanted is None else each.levels or self._levels(each.name)) for each in (left, right)
        ]
        result = self._result(name, left.shape, wanted)
        options = schema.AddOptionsT(fusedActivationFunction=_NONE, potScaleInt16=False)
        self._append(_OPERATORS.ADD, _version(result), [each.index for each in both], result, options)
        return result

    def content(self, inputs: Mapping[str, Tensor], outputs: Mapping[str, Tensor], description: str) -> bytes:
        """Return the content of the file, with the signature `serving_default`."""
        self._graph.inputs = [tensor.index for tensor in inputs.values()]
        self._graph.outputs = [tensor.index for tensor in outputs.values()]
        signature = schema.SignatureDefT(
            inputs=_bindings(inputs), outputs=_bindings(outputs), signatureKey=_SIGNATURE, subgraphIndex=0
        )
        self._model.signatureDefs = [signature]
        self._model.subgraphs = [self._graph]
        self._model.description = description
        builder = flatbuffers.Builder(_FIRST_BYTES)
        builder.Finish(self._model.Pack(builder), _IDENTIFIER)
        return bytes(builder.Output())

    def _constants(
        self, name: str, kernel: npt.NDArray[np.float32], convolution: Convolution, source: Levels | None
    ) -> tuple[int, int]:
        """Append kernel and bias; return the numbers of their tensors."""
        bias = convolution.bias
        if self._wanted(name) is None or source is None:
            return (
                self._tensor(f"{name}/kernel", kernel.shape, schema.TensorType.FLOAT32, kernel),
                self._tensor(f"{name}/bias", bias.shape, schema.TensorType.FLOAT32, bias),
            )
        axis = 3 if convolution.depthwise else 0
        whole, scales = quantise_kernel(kernel, axis)
        bias_levels, bias_scales = quantise_bias(bias, scales, source.scale)
        return (
            self._tensor(f"{name}/kernel", kernel.shape, schema.TensorType.INT8, whole, scales=scales, axis=axis),
            self._tensor(f"{name}/bias", bias.shape, schema.TensorType.INT32, bias_levels, scales=bias_scales),
        )

    def _wanted(self, name: str) -> Levels | None:
        """Return the levels of a result; None if it is float32."""
        return None if self._ranges is None or name.startswith(self._float_prefixes) else self._levels(name)

    def _levels(self, name: str) -> Levels:
        if self._ranges is None or name not in self._ranges:
            raise KeyError(f"{name}: no range for this tensor")
        return levels(self._ranges[name])

    def _moved(self, name: str, source: Tensor, shape: tuple[int, int, int, int]) -> Tensor:
        """Return the result of an operator that moves values and computes none."""
        if self._ranges is not None:
            self._ranges[name] = self._ranges[source.name]
        return self._result(name, shape, source.levels)

    def _as(self, tensor: Tensor, wanted: Levels | None) -> Tensor:
        """Return a tensor in float32, or in 8 bits with these levels; append the conversion if it is missing."""
        if tensor.levels == wanted:
            return tensor
        key = (tensor.name, wanted)
        if key not in self._converted:
            result = self._result(f"{tensor.name}.{'float' if wanted is None else 'int8'}", tensor.shape, wanted)
            code = _OPERATORS.DEQUANTIZE if wanted is None else _OPERATORS.QUANTIZE
            self._append(code, 2, [tensor.index], result)
            self._converted[key] = result
        return self._converted[key]

    def _result(self, name: str, shape: tuple[int, int, int, int], wanted: Levels | None) -> Tensor:
        if wanted is None:
            return Tensor(name, self._tensor(name, shape, schema.TensorType.FLOAT32), shape, None)
        scale = np.array([wanted.scale], np.float32)
        index = self._tensor(name, shape, schema.TensorType.INT8, scales=scale, zero_point=wanted.zero_point)
        return Tensor(name, index, shape, wanted)

    def _tensor(
        self,
        name: str,
        shape: Sequence[int],
        kind: int,
        data: npt.NDArray[Any] | None = None,
        *,
        scales: npt.NDArray[Any] | None = None,
        axis: int = 0,
        zero_point: int = 0,
    ) -> int:
        buffer = 0
        if data is not None:
            self._model.buffers.append(
                schema.BufferT(data=np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8))
            )
            buffer = len(self._model.buffers) - 1
        quantisation = None
        if scales is not None:
            quantisation = schema.QuantizationParametersT(
                scale=scales.astype(np.float32),
                zeroPoint=np.full(len(scales), zero_point, np.int64),
                quantizedDimension=axis,
            )
        self._graph.tensors.append(
            schema.TensorT(shape=list(shape), type=kind, buffer=buffer, name=name, quantization=quantisation)
        )
        return len(self._graph.tensors) - 1

    def _append(self, code: int, version: int, inputs: Sequence[int], result: Tensor, options: object = None) -> None:
        if (code, version) not in self._codes:
            self._codes[code, version] = len(self._model.operatorCodes)
            self._model.operatorCodes.append(
                schema.OperatorCodeT(deprecatedBuiltinCode=code, builtinCode=code, version=version)
            )
        operator = schema.OperatorT(opcodeIndex=self._codes[code, version], inputs=list(inputs), outputs=[result.index])
        if options is not None:
            operator.builtinOptions = options
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        self._graph.operators.append(operator)


def _version(tensor: Tensor) -> int:
    """Return the version of an operator that takes 8 bits from version 2 on."""
    return 1 if tensor.levels is None else 2


def _tflite_order(convolution: Convolution) -> npt.NDArray[np.float32]:
    """Return the kernel as TFLite stores it: (outputs, rows, columns, inputs), or (1, rows, columns, channels)."""
    return np.ascontiguousarray(convolution.kernel.transpose(3, 0, 1, 2))


def _bindings(tensors: Mapping[str, Tensor]) -> list[Any]:
    return [schema.TensorMapT(name=name, tensorIndex=tensor.index) for name, tensor in tensors.items()]
