"""Arguments and settings -> a run of the command `facenode` as its own process."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class CommandResult:
    """The exit code and output of a command."""

    code: int
    out: str
    err: str


def environment(settings: Mapping[str, object]) -> dict[str, str]:
    """Return the process environment with only these FACENODE settings, such as `mqtt.port`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FACENODE_")}
    given = {f"FACENODE_{key.upper().replace('.', '__')}": str(value) for key, value in settings.items()}
    return kept | given | {"PYTHONPATH": str(ROOT)}


def facenode(
    *arguments: str | Path, settings: Mapping[str, object], timeout_s: float = 180, head: int | None = None
) -> CommandResult:
    """Run a command to its end; with `head`, close its output after that many lines, as `| head` does."""
    process = subprocess.Popen(
        [sys.executable, "-m", "node.cli", *map(str, arguments)],
        env=environment(settings), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        if head is None:
            out, err = process.communicate(timeout=timeout_s)
            return CommandResult(process.returncode, out, err)
        assert process.stdout is not None
        assert process.stderr is not None
        out = "".join(process.stdout.readline() for _ in range(head))
        process.stdout.close()
        err = process.stderr.read()
        return CommandResult(process.wait(timeout_s), out, err)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
