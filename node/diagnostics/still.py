"""A picture of the view -> a file of whoever runs the check, and a finding that says so."""

from collections.abc import Callable
from pathlib import Path

from node.diagnostics.finding import Finding
from node.errors import FacenodeError
from node.system.caller_files import write_for_caller


def still_finding(path: Path, take: Callable[[], bytes]) -> Finding:
    """Write the picture to a file of mode 0600; what the file held before stays if there is no picture.

    Args:
        path: the file.
        take: returns the picture, JPEG; raises FacenodeError if there is none.
    """
    try:
        jpeg = take()
    except FacenodeError as error:
        return Finding("still", ok=False, text=str(error))
    try:
        with write_for_caller(path) as file:
            file.write(jpeg)
    except OSError as error:
        return Finding("still", ok=False, text=f"{path}: {error.strerror or error}: name a file that can be written")
    return Finding("still", ok=True, text=f"{path} shows the view as the node looks at it")
