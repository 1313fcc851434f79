"""The TFLite runtimes that are installed here: on Python 3.11 with what development takes, both."""

from node.errors import ModelError
from node.vision.tflite import Runtime, find_runtime


def runtimes() -> list[Runtime]:
    """Return the runtimes that are installed; at least one is."""
    found: list[Runtime] = []
    names: tuple[Runtime, ...] = ("litert", "tflite")
    for name in names:
        try:
            find_runtime(name)
        except ModelError:
            continue
        found.append(name)
    return found
