"""Whether a program does its work -> a file that is there meanwhile, for whoever asks from outside: `--ready FILE`."""

import argparse
from collections.abc import Callable
from pathlib import Path

from node.errors import UsageError

Mark = Callable[[bool], None]
"""Is told whether the work is being done."""


def add_option(parser: argparse.ArgumentParser, while_what: str) -> None:
    """Add `--ready FILE` to a command."""
    parser.add_argument("--ready", type=Path, metavar="FILE", help=f"a file that exists while {while_what}")


def marker(path: Path | None) -> Mark:
    """Return what makes the file when told True and removes it when told False; without a path it does nothing.

    Raises:
        UsageError: its folder is none; from what is returned: the file cannot be made or removed.
    """
    if path is not None and not path.parent.is_dir():
        raise UsageError(f"--ready {path}: {path.parent} is no folder: name a file that can be made")

    def mark(there: bool) -> None:  # noqa: FBT001 - it is only ever called with the one thing it is told
        if path is None:
            return
        try:
            if there:
                path.touch()
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise UsageError(f"--ready {path}: {error.strerror}: name a file that can be made") from error

    return mark
