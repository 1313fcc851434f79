"""Name of a file that ships with the program -> its path, in the wheel or in a checkout."""

from pathlib import Path

from node.errors import ModelError

_DETECTORS = {"litert": "yunet.int8.tflite", "tflite": "yunet.float32.tflite"}
"""The detector's file for each runtime: tflite-runtime does not give 8 bits to XNNPACK, so they are slower there."""
NETWORK = "mobilefacenet.float32.tflite"

_NODE = Path(__file__).resolve().parents[1]
_FOLDERS = (
    _NODE / "artefacts",
    *(_NODE.parent / folder for folder in ("models/zoo", "models/detector", "tests", "docs/home-assistant")),
)


def detector(runtime: str) -> Path:
    """Return the path of the detector that is the fastest on a TFLite runtime, `litert` or `tflite`.

    Raises:
        ModelError: no folder holds the file.
    """
    return path(_DETECTORS[runtime])


def path(name: str) -> Path:
    """Return the path of a network, of the detector, a media file of the demo (`media/NAME`), or a blueprint.

    Raises:
        ModelError: no folder holds the file.
    """
    for folder in _FOLDERS:
        if (folder / name).exists():
            return folder / name
    raise ModelError(f"{name}: not found in {_FOLDERS[0]}: the installation is damaged: install the program again")
