"""The storage folder -> a finding: whether this user can write or create it."""

import os
from collections.abc import Callable
from pathlib import Path

from node.diagnostics.finding import Finding


def storage_finding(folder: Path, access: Callable[[Path, int], bool] = os.access) -> Finding:
    """Find out whether the folder can be written, or created; change nothing.

    Args:
        folder: of the storage; need not exist.
        access: whether this user may do something with a path, as `os.access` has it.
    """
    # os.path.exists takes a folder that this user may not look into for one that does not exist.
    existing = next((path for path in (folder, *folder.absolute().parents) if os.path.exists(path)), folder)  # noqa: PTH110
    if not existing.is_dir():
        return Finding("storage", ok=False, text=f"{existing} is not a folder: correct storage.dir")
    if not access(existing, os.W_OK | os.X_OK):
        text = f"{existing} is not writable: set storage.dir to another folder, or run this as the service's user"
        return Finding("storage", ok=False, text=text)
    return Finding("storage", ok=True, text=f"{folder} {'is writable' if existing == folder else 'can be created'}")
