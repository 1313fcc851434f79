"""The storage folder -> a finding: whether this user can write or create it, and nobody else."""

import os
import pwd
import stat
from collections.abc import Callable
from pathlib import Path

from node.diagnostics.finding import Finding


def _group_of(uid: int) -> int | None:
    try:
        return pwd.getpwuid(uid).pw_gid
    except KeyError:
        return None


def storage_finding(
    folder: Path,
    access: Callable[[Path, int], bool] = os.access,
    group_of: Callable[[int], int | None] = _group_of,
) -> Finding:
    """Find out whether the folder can be written, or created; change nothing.

    Args:
        folder: of the storage; need not exist.
        access: whether this user may do something with a path, as `os.access` has it.
        group_of: the group of a user's account; None without one.
    """
    # os.path.exists takes a folder that this user may not look into for one that does not exist.
    existing = next((path for path in (folder, *folder.absolute().parents) if os.path.exists(path)), folder)  # noqa: PTH110
    if not existing.is_dir():
        return Finding("storage", ok=False, text=f"{existing} is not a folder: correct storage.dir")
    if not access(existing, os.W_OK | os.X_OK):
        text = f"{existing} is not writable: set storage.dir to another folder, or run this as the service's user"
        return Finding("storage", ok=False, text=text)
    others = _others(folder.stat(), group_of) if existing == folder else None
    if others is not None:
        text = f"{folder} can be written by {others}, who can replace what is in it: chmod 700 {folder}"
        return Finding("storage", ok=False, text=text)
    return Finding("storage", ok=True, text=f"{folder} {'is writable' if existing == folder else 'can be created'}")


def _others(state: os.stat_result, group_of: Callable[[int], int | None]) -> str | None:
    """Return in words who else may write a folder; None for nobody."""
    if state.st_mode & stat.S_IWOTH:
        return "every user"
    # Many systems give each user a group of their own, and its members are that user alone.
    if state.st_mode & stat.S_IWGRP and state.st_gid not in (0, group_of(state.st_uid)):
        return f"the members of group {state.st_gid}"
    return None
