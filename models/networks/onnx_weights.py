"""An ONNX file -> its convolutions, in execution order."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError

from models.arrays import Array
from models.errors import DataError
from models.networks.convolution import Convolution


def read_onnx(path: Path, sha256: str) -> tuple[Convolution, ...]:
    """Return the convolutions of a network.

    Args:
        path: the `.onnx` file.
        sha256: the expected digest of the file.

    Raises:
        DataError: the file is missing or damaged, or has another digest.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}: it is part of the checkout") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DataError(f"{path}: sha256 is {found[:8]}…, expected {sha256[:8]}…: this is another file")
    try:
        graph = onnx.load_model_from_string(content).graph
    except DecodeError as error:
        raise DataError(f"{path}: not an ONNX file: {error}") from error
    constants = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    return tuple(
        _convolution(*(constants[name].astype(np.float32) for name in node.input[1:]))
        for node in graph.node
        if node.op_type == "Conv"
    )


def _convolution(kernel: Array, bias: Array) -> Convolution:
    # ONNX stores (outputs, inputs, rows, columns), with one input if depthwise.
    depthwise = kernel.shape[1] == 1
    return Convolution(
        depthwise, kernel.transpose(2, 3, 0, 1) if depthwise else kernel.transpose(2, 3, 1, 0), bias, None
    )
