"""`publisher_node.py` as a process, ended by its id."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent.parent


class PublisherProcess:
    """A node that makes numbered events.

    Args:
        folder: where it keeps its journal, its log and, unless it is a mount, its outbox.
        host: the broker's address.
        port: the broker's port.
        options: of the script.
        within: a command that runs the node inside something, such as a network namespace.
    """

    def __init__(self, folder: Path, host: str, port: int, *options: str, within: Sequence[str] = ()) -> None:
        self._folder = folder
        script = Path(__file__).with_name("publisher_node.py")
        with (folder / "node.log").open("a") as log:
            self._process = subprocess.Popen(
                (*within, sys.executable, script, folder, host, str(port), *options),
                cwd=_ROOT,
                env=os.environ | {"PYTHONPATH": str(_ROOT)},
                stdout=log,
                stderr=log,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it has ended by itself, and well."""
        return self._process.poll() == 0

    @property
    def drained(self) -> bool:
        """Whether the broker has had everything."""
        return (self._folder / "drained").exists()

    def counts(self) -> dict[str, int]:
        """Return what waited, was dropped and was rejected when it ended."""
        counts: dict[str, int] = json.loads((self._folder / "counts").read_text())
        return counts

    def log(self) -> str:
        """Return what it logged, over all starts."""
        return (self._folder / "node.log").read_text()

    def end(self) -> int:
        """Ask it to end and return its exit code."""
        self._process.terminate()
        return self._process.wait(20)

    def kill(self) -> None:
        """End it as a power cut would, but for what the kernel has not yet written."""
        self._process.kill()
        self._process.wait(10)
