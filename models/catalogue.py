"""A folder of networks -> their sidecars in display order; read and write them as JSON."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from models.errors import TrainingError
from models.names import BackboneName, Quantisation

ZOO = Path(__file__).resolve().parent / "zoo"
_BACKBONES, _FORMS = get_args(BackboneName), get_args(Quantisation)


def shipped(folder: Path = ZOO) -> list[Path]:
    """Return the sidecars of a zoo: the default backbone first, and float32 first for each backbone.

    Raises:
        TrainingError: the folder has no sidecar, or one cannot be read.
    """
    found = {path: read_sidecar(path) for path in folder.glob("*.json")}
    if not found:
        raise TrainingError(f"{folder}: no sidecar: export a network first")
    return sorted(
        found, key=lambda path: (_BACKBONES.index(found[path]["backbone"]), _FORMS.index(found[path]["quantisation"]))
    )


def unquantised(path: Path) -> Path:
    """Return the sidecar of the float32 file of a network's space in the same folder; the given one if there is none.

    Raises:
        TrainingError: a sidecar cannot be read.
    """
    space = read_sidecar(path)["heads"]["embedding"]["space"]
    for other in shipped(path.parent):
        found = read_sidecar(other)
        if found["quantisation"] == "float32" and found["heads"]["embedding"]["space"] == space:
            return other
    return path


def temperatures(path: Path) -> dict[str, float]:
    """Return the temperature of each head; heads without one are left out.

    Raises:
        TrainingError: the sidecar cannot be read.
    """
    heads = read_sidecar(path)["heads"]
    return {name: head["temperature"] for name, head in heads.items() if "temperature" in head}


def read_sidecar(path: Path) -> dict[str, Any]:
    """Return the content of a sidecar.

    Raises:
        TrainingError: it cannot be read.
    """
    try:
        description: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path}: the sidecar cannot be read: {error}: export the network again") from error
    return description


def write_sidecar(path: Path, description: Mapping[str, Any]) -> None:
    """Write a sidecar, one line per value, so that a diff shows each changed figure."""
    path.write_text(json.dumps(description, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
