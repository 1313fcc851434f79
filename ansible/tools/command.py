"""Another program -> what it printed, or in one sentence why a release cannot be built."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path


class ReleaseError(Exception):
    """Something cannot be built; the message says what and what to do."""


def call(*command: str | Path, given: str | None = None, environ: Mapping[str, str] | None = None) -> str:
    """Run a program to its end and return what it printed.

    Args:
        command: the program and its arguments.
        given: what stands on its standard input.
        environ: variables that it has beside those of this process.

    Raises:
        ReleaseError: it is not there, or ended with another code than 0; the message has its own words.
    """
    name = Path(command[0]).name
    settled = {**os.environ, "LC_ALL": "C.UTF-8", **(environ or {})}
    try:
        done = subprocess.run(
            [str(part) for part in command], input=given, text=True, capture_output=True, check=False, env=settled
        )
    except OSError as error:
        raise ReleaseError(f"{name}: cannot be run: {error.strerror}") from error
    if done.returncode:
        raise ReleaseError(f"{name} {command[1]}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
