"""Whether a program is ready -> a file that exists meanwhile, for health checks from outside: `--ready FILE`."""

import argparse
import os
import stat
from collections.abc import Callable
from pathlib import Path

from node.errors import UsageError

SetReady = Callable[[bool], None]
"""Sets whether the program is ready."""


def add_option(parser: argparse.ArgumentParser, condition: str) -> None:
    """Add `--ready FILE` to a command; the condition completes "create FILE while ..."."""
    parser.add_argument(
        "--ready", type=Path, metavar="FILE", help=f"create FILE while {condition}; remove it otherwise"
    )


def ready_setter(path: Path | None) -> SetReady:
    """Return a function that creates the file when given True and removes it when given False.

    Without a path the function does nothing.

    Raises:
        UsageError: the folder does not exist, or the path is not a file; raised by the function: the file cannot be
            created or removed.
    """
    if path is not None and not path.parent.is_dir():
        raise UsageError(f"--ready {path}: {path.parent} is not a folder: name a file that can be created")
    if path is not None and os.path.lexists(path) and not stat.S_ISREG(path.lstat().st_mode):
        raise UsageError(f"--ready {path}: it exists and is not a regular file: name a file that can be created")

    def set_ready(ready: bool) -> None:  # noqa: FBT001 - its only argument
        if path is None:
            return
        try:
            if ready:
                path.touch()
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise UsageError(f"--ready {path}: {error.strerror}: name a file that can be created") from error

    return set_ready
