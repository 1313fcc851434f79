"""A distillation's settings -> the TFLite file of the backbone that teaches."""

from pathlib import Path

from models.networks.backbones import BACKBONES
from models.networks.keras_network import backbone
from models.networks.tflite_converter import to_tflite
from models.networks.tflite_weights import read_convolutions
from models.recipe.sections import Weights


def teacher(weights: Weights, data: Path, size: tuple[int, int]) -> bytes:
    """Return the content of a MobileFaceNet.

    Args:
        weights: its file.
        data: the folder of face data.
        size: height and width of its input, pixels.

    Raises:
        DataError: the file is missing, damaged, or that of another network.
    """
    convolutions = read_convolutions(data / weights.file, weights.sha256)
    return to_tflite(backbone(BACKBONES["mobilefacenet"](), convolutions, size))
