"""An external command -> its output, or a ReleaseError that says why it failed."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path


class ReleaseError(Exception):
    """A release cannot be built; the message says what is wrong and what to do."""


def run_command(
    *command: str | Path,
    stdin: str | None = None,
    variables: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> str:
    """Run a command to its end and return its standard output.

    Args:
        command: the program and its arguments.
        stdin: the text for its standard input.
        variables: environment variables, in addition to those of this process.
        cwd: the folder that it runs in; by default this process's.

    Raises:
        ReleaseError: the program does not exist or exits with another code than 0; the message quotes its output.
    """
    name = Path(command[0]).name
    environ = {**os.environ, "LC_ALL": "C.UTF-8", **(variables or {})}
    try:
        done = subprocess.run(
            [str(part) for part in command],
            input=stdin, text=True, capture_output=True, check=False, env=environ, cwd=cwd,
        )  # fmt: skip
    except OSError as error:
        raise ReleaseError(f"cannot run {name}: {error.strerror}") from error
    if done.returncode:
        raise ReleaseError(f"{name} {command[1]} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
