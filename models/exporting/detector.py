"""YuNet's ONNX file and portraits -> its TFLite files."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from models.data.crops import read_image
from models.data.manifests import lfw_people, utkface
from models.data.samples import Sample
from models.data.scenes import SIZE, crowded
from models.networks.onnx_weights import read_onnx
from models.networks.yunet import Layers, layers, tflite
from models.networks.yunet_ranges import MEASURED, Answers, equalised, extremes
from node.domain import Image

ONNX = Path(__file__).resolve().parents[1] / "detector" / "face_detection_yunet_2023mar.onnx"
_SHA256 = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
SCENES, SEED = 200, 11
"""How many composed scenes give the ranges, and the seed they are composed with."""
_PORTRAITS = {"lfw_people": 240, "utkface": 160}


def float32(onnx: Path = ONNX) -> bytes:
    """Return the content of the file in float32.

    Raises:
        DataError: the ONNX file is missing, damaged, or another one.
    """
    return tflite(layers(read_onnx(onnx, _SHA256)), SIZE)


def int8(scenes: Sequence[Image], onnx: Path = ONNX) -> bytes:
    """Return the content of the file in 8 bits.

    Args:
        scenes: representative pictures, shape (480, 640, 3), uint8, RGB.
        onnx: the ONNX file.

    Raises:
        DataError: the ONNX file is missing, damaged, or another one.
    """
    given = layers(read_onnx(onnx, _SHA256))
    even = equalised(given, extremes(scenes, _runner(given)))
    return tflite(even, SIZE, extremes(scenes, _runner(even)).ranges())


def representative_scenes(data: Path) -> list[Image]:
    """Return scenes composed of portraits of the training splits.

    Raises:
        DataError: the face data is missing.
    """
    portraits = [
        read_image(sample.path)
        for samples, wanted in ((lfw_people(data), _PORTRAITS["lfw_people"]), (utkface(data), _PORTRAITS["utkface"]))
        for sample in _evenly([sample for sample in samples if sample.split == "train"], wanted)
    ]
    return list(crowded([portrait for portrait in portraits if portrait.shape[0] == portrait.shape[1]], SCENES, SEED))


def _evenly(samples: Sequence[Sample], wanted: int) -> Sequence[Sample]:
    return samples[:: max(1, len(samples) // wanted)][:wanted]


def _runner(given: Layers) -> Callable[[Image], Answers]:
    """Return what runs the network in float32 on a scene and returns all its tensors."""
    inner = [name for name in MEASURED if not _output(name)]
    # One thread: with several the runtime may add in another order.
    interpreter = Interpreter(model_content=tflite(given, SIZE, probed=inner), num_threads=1)
    interpreter.allocate_tensors()
    outputs = interpreter.get_signature_runner("serving_default").get_output_details()
    at = interpreter.get_input_details()[0]["index"]

    def run(scene: Image) -> Answers:
        picture = np.zeros((1, SIZE[0] + 1, SIZE[1] + 1, 3), np.float32)
        picture[0, 1:, 1:] = scene
        interpreter.set_tensor(at, picture)
        interpreter.invoke()
        return {name: interpreter.get_tensor(outputs[_output(name) or name]["index"])[0] for name in MEASURED}

    return run


def _output(name: str) -> str:
    """Return the name under which a head's last tensor is an output; empty for other tensors."""
    return f"cells_{name[1:-3]}" if name[0] == "h" and name.endswith(".dw") else ""
