"""A Keras model -> the bytes of a TFLite file with named inputs and outputs."""

import contextlib
import io
import tempfile

import keras
import tensorflow as tf

from models.names import Quantisation


def to_tflite(model: keras.Model, quantisation: Quantisation = "float32") -> bytes:
    """Return the file's content: batch of one, signature `serving_default`, outputs named as the model names them.

    Args:
        model: with one input, and outputs by name.
        quantisation: `float32`, or `dynamic`: weights of 8 bits, with one scale a dense layer, since the aarch64 build
            of tflite-runtime 2.14 crashes on dense layers with a scale a channel.
    """
    image = model.inputs[0]
    spec = keras.InputSpec(dtype=image.dtype, shape=(1, *image.shape[1:]), name=image.name)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        model.export(folder, format="tf_saved_model", input_signature=[spec], verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if quantisation == "dynamic":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter._experimental_disable_per_channel_quantization_for_dense_layers = True  # noqa: SLF001
        content: bytes = converter.convert()
    return content
