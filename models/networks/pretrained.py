"""Pretrained weights of a Keras application -> the convolutions of a plan, batch norm folded in."""

import hashlib
import re
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from models.arrays import Array
from models.errors import DataError
from models.networks.convolution import Convolution
from models.networks.plan import Plan

_APPLICATIONS = {"mobilenet": "MobileNet", "mobilenet_v2": "MobileNetV2", "inception_v3": "InceptionV3"}


def read_pretrained(plan: Plan, path: Path | None, sha256: str | None = None) -> tuple[Convolution, ...]:
    """Return the weights of a plan's convolutions, without those of its face-specific end.

    Args:
        plan: plan of a backbone that Keras has too.
        path: an `.npz` file of the application's weights in Keras's order; None downloads ImageNet's through Keras.
        sha256: the expected digest of the file, if known.

    Raises:
        DataError: the file is missing or damaged, has another digest, or holds the weights of another network.
    """
    make = getattr(keras.applications, _APPLICATIONS[plan.name])
    model = make(include_top=False, weights=None if path else "imagenet", input_shape=(112, 112, 3))
    if path:
        try:
            model.set_weights(_arrays(path, sha256))
        except ValueError as error:
            raise DataError(f"{path}: the weights are not those of a {plan.name}: name its file") from error
    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
    layers = _in_order([layer for layer in model.layers if isinstance(layer, kinds)])
    norms = _in_order([layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)])
    return tuple(_folded(layer, norm) for layer, norm in zip(layers, norms, strict=True))


def _arrays(path: Path, sha256: str | None) -> list[Array]:
    try:
        content = path.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if sha256 is not None and found != sha256:
            raise DataError(f"{path}: sha256 is {found[:8]}…, expected {sha256[:8]}…: this is another file")
        with path.open("rb") as stream, np.load(stream) as arrays:
            # A large array may be stored as codes and the table that they index.
            keys = sorted({re.sub(r"(?<=\d)[ct]$", "", key) for key in arrays.files})
            values = [arrays[key] if key in arrays.files else arrays[f"{key}t"][arrays[f"{key}c"]] for key in keys]
            return [value.astype(np.float32) for value in values]
    except OSError as error:
        raise DataError(
            f"{path}: {error.strerror or error}: the pretrained weights are part of the face data"
        ) from error
    except (ValueError, KeyError, IndexError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: not a file of pretrained weights ({error}): download it again") from error


def _in_order(layers: list[Any]) -> list[Any]:
    """Return layers in the order of their creation; Keras numbers unnamed layers, the first without a number."""
    found = [re.fullmatch(r"(?:conv2d|batch_normalization)(?:_(\d+))?", layer.name) for layer in layers]
    if not all(found):  # a network without branches: its layers are in order
        return layers
    numbers = [int(match.group(1) or 0) for match in found if match]
    return [layers[index] for index in np.argsort(numbers)]


def _folded(layer: Any, norm: Any) -> Convolution:  # noqa: ANN401 - layers of Keras
    depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    kernel = np.asarray(layer.get_weights()[0], dtype=np.float32)
    mean, variance = (np.asarray(value) for value in (norm.moving_mean, norm.moving_variance))
    gain = np.ones_like(mean) if norm.gamma is None else np.asarray(norm.gamma)
    gain = gain / np.sqrt(variance + norm.epsilon)
    offset = np.asarray(norm.beta) - mean * gain
    return Convolution(
        depthwise,
        (kernel * gain.reshape((1, 1, -1, 1) if depthwise else (1, 1, 1, -1))).astype(np.float32),
        offset.astype(np.float32),
        None,
    )
