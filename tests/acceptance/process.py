"""A command -> its output, or a failed test."""

import subprocess
from collections.abc import Mapping
from pathlib import Path


def run(
    *command: str | Path,
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
    code: int = 0,
    timeout_s: float = 600,
) -> str:
    """Run a command to its end and return all its output; fail with the output if the exit code differs.

    Args:
        command: the program and its arguments.
        cwd: the folder it runs in.
        environ: its whole environment; by default the test's own.
        code: the expected exit code.
        timeout_s: the time limit in seconds, after which the test fails.
    """
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=timeout_s,
    )
    assert done.returncode == code, f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout
