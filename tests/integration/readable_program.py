"""The program under test -> the same, readable by every user, as an installed one is.

An interpreter in root's home cannot be read by the user that a command becomes. The command then runs in a mount
namespace of its own, in which the closed folders above hold nothing but what the program needs, and are open.
"""

import shlex
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from facenode_command import ROOT


def command(*arguments: str | Path) -> list[str]:
    """Return the command line of the interpreter with these arguments, for a program that every user can read."""
    python = [sys.executable, *map(str, arguments)]
    script = "\n".join(_openings({Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), ROOT}))
    if not script:
        return python
    return ["unshare", "--mount", "sh", "-ec", f'mount --make-rprivate /\n{script}\nexec "$@"', "sh", *python]


def _openings(needed: set[Path]) -> Iterator[str]:
    """Yield the shell lines that open the way to the folders of the program."""
    ways: dict[Path, list[Path]] = {}
    for folder in sorted(needed):
        closed = next((path for path in reversed(folder.parents) if not path.stat().st_mode & stat.S_IXOTH), None)
        if closed is not None:
            ways.setdefault(closed, []).append(folder)
    for closed, folders in ways.items():
        held = [f"/proc/self/fd/{number}" for number in range(7, 7 + len(folders))]
        for number, folder in enumerate(folders, 7):
            yield f"exec {number}<{shlex.quote(str(folder))}"
        yield f"mount -t tmpfs -o mode=755 tmpfs {shlex.quote(str(closed))}"
        for handle, folder in zip(held, folders, strict=True):
            yield f"mkdir -p {shlex.quote(str(folder))}; mount -c --bind {handle} {shlex.quote(str(folder))}"
