"""A distillation's settings -> the TFLite file of the backbone that teaches."""

from pathlib import Path

from models.architecture import backbone
from models.backbones import BACKBONES
from models.convert import to_tflite
from models.recipe.sections import Weights
from models.weights import read_convolutions


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
