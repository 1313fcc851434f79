"""The file of a detector and its sidecar -> verified bytes."""

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from node.errors import ModelError
from node.system.bounded_files import read_bounded

_MOST_BYTES = 4 << 20
"""YuNet takes 0.2 MB."""
_INSTALL_AGAIN = "install the program again"


class DetectorSidecar(BaseModel):
    """What the node needs to know about a detector."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    name: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    network: Literal["yunet"]
    quantisation: Literal["float32", "int8"]


def read_detector(path: Path) -> tuple[DetectorSidecar, bytes]:
    """Return the sidecar of a detector, and the bytes of its `.tflite` file.

    Raises:
        ModelError: a file is missing, the sidecar is invalid, or the digest does not match.
    """
    described = path.with_suffix(".json")
    try:
        sidecar = DetectorSidecar.model_validate_json(read_bounded(described, _MOST_BYTES))
        content = read_bounded(path, _MOST_BYTES)
    except OSError as error:
        where = error.filename or path
        raise ModelError(f"{where}: {error.strerror or error}: {_INSTALL_AGAIN}") from error
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in problem["loc"]) or "the file"
        raise ModelError(f"{described}: {field}: {problem['msg']}: {_INSTALL_AGAIN}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sidecar.sha256:
        raise ModelError(f"{path}: sha256 is {found[:8]}…, its sidecar says {sidecar.sha256[:8]}…: {_INSTALL_AGAIN}")
    return sidecar, content
