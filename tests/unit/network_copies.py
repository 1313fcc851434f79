"""The network that ships with the program -> a copy of all its files, for tests that change or move one."""

import json
import shutil
from pathlib import Path

from node.system import bundled


def copy_network(folder: Path, name: str = "net") -> Path:
    """Copy the default network, its sidecar and its cohort, and return the path of the network."""
    source, copied = bundled.path(bundled.NETWORK), folder / f"{name}.tflite"
    for suffix in (".tflite", ".json"):
        shutil.copy(source.with_suffix(suffix), copied.with_suffix(suffix))
    described = json.loads(source.with_suffix(".json").read_text(encoding="utf-8"))["cohort"]
    shutil.copy(source.with_name(described["file"]), folder)
    return copied
