"""The name of a file that ships with the program -> its path, in the wheel or in a checkout."""

from pathlib import Path

from node.errors import ModelError

DETECTOR = "face_detection_yunet_2023mar.onnx"
NETWORK = "mobilefacenet.float32.tflite"

_NODE = Path(__file__).resolve().parents[1]
_PLACES = (_NODE / "artefacts", *(_NODE.parent / place for place in ("models/zoo", "models/detector", "tests")))


def bundled(name: str) -> Path:
    """Return the path of a network, the detector, or `media/` and a file of the demonstration.

    Raises:
        ModelError: it is in none of the places.
    """
    for place in _PLACES:
        if (place / name).exists():
            return place / name
    raise ModelError(f"{name}: not found in {_PLACES[0]}: the installation is damaged: install the program again")
