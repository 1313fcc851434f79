"""The path of a network -> the same path, once it is known that the file can be read in one piece."""

from pathlib import Path

from node.errors import ModelError
from node.system.bounded_files import check_bounded

_MAX_BYTES = 512 << 20
"""InceptionV3 in float32, the largest of the paper's networks, takes 87 MB."""


def checked(path: Path) -> Path:
    """Return the path of a network.

    Raises:
        ModelError: it is not a regular file, or larger than any network.
    """
    try:
        check_bounded(path, _MAX_BYTES)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}: model.path names no readable network") from error
    return path
