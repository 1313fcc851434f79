"""A Keras model -> the content of a TFLite file with named inputs and outputs."""

import contextlib
import io
import tempfile
import warnings
from collections.abc import Iterator

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.names import Quantisation


def to_tflite(
    model: keras.Model, quantisation: Quantisation = "float32", faces: npt.NDArray[np.uint8] | None = None
) -> bytes:
    """Return the file's content: batch size 1, signature `serving_default`, outputs named as in the model.

    Args:
        model: a model with one input, and outputs by name.
        quantisation: `float32`; `dynamic`: 8-bit weights, with one scale per dense layer, since the aarch64 build of
            tflite-runtime 2.14 crashes on one scale per channel; or `int8`: weights and maps of the backbone in 8
            bits, and the heads, which take hardly any time, in float32.
        faces: representative inputs that give an `int8` network its ranges, shape (n, height, width, 3).
    """
    image = model.inputs[0]
    spec = keras.InputSpec(dtype=image.dtype, shape=(1, *image.shape[1:]), name=image.name)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        model.export(folder, format="tf_saved_model", input_signature=[spec], verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if quantisation != "float32":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter._experimental_disable_per_channel_quantization_for_dense_layers = True  # noqa: SLF001
        if quantisation == "int8" and faces is not None:
            return _in_eight_bits(converter, image.name, faces)
        content: bytes = converter.convert()
    return content


_HEADS = ("MEAN", "SUB", "MUL", "FULLY_CONNECTED", "PACK", "SUM", "SQUARE", "MAXIMUM", "MINIMUM", "RSQRT", "SOFTMAX")
"""The operations of the heads; no backbone has them, except `MUL` to normalise the picture."""


def _in_eight_bits(converter: tf.lite.TFLiteConverter, name: str, faces: npt.NDArray[np.uint8]) -> bytes:
    """Return the content with all but the heads in 8 bits; only the debugger can exclude operations."""
    converter.representative_dataset = lambda: _each(name, faces)
    options = tf.lite.experimental.QuantizationDebugOptions(denylisted_ops=list(_HEADS))
    with warnings.catch_warnings():  # TensorFlow's converter uses a deprecated part of TensorFlow
        warnings.filterwarnings("ignore", message=r"(?s)\s*Warning: tf\.lite\.Interpreter is deprecated")
        debugger = tf.lite.experimental.QuantizationDebugger(
            converter=converter, debug_dataset=lambda: _each(name, faces), debug_options=options
        )
    content: bytes = debugger.get_nondebug_quantized_model()
    return content


def _each(name: str, faces: npt.NDArray[np.uint8]) -> Iterator[dict[str, npt.NDArray[np.uint8]]]:
    return ({name: face[np.newaxis]} for face in faces)
