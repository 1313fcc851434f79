"""`publisher_node.py` as a process."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent.parent


class PublisherProcess:
    """A process that publishes numbered events.

    Args:
        folder: the folder of its journal, log and outbox.
        host: the broker's address.
        port: the broker's port.
        options: options of the script.
        within: a command prefix that runs the node elsewhere, such as in a network namespace.
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
        """The process id."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether it has exited with code 0."""
        return self._process.poll() == 0

    @property
    def drained(self) -> bool:
        """Whether the broker has accepted every event."""
        return (self._folder / "drained").exists()

    def counts(self) -> dict[str, int]:
        """Return how many messages were waiting, dropped and rejected when it ended."""
        counts: dict[str, int] = json.loads((self._folder / "counts").read_text())
        return counts

    def log(self) -> str:
        """Return its log over all starts."""
        return (self._folder / "node.log").read_text()

    def end(self) -> int:
        """Stop it with SIGTERM and return its exit code."""
        self._process.terminate()
        return self._process.wait(20)

    def kill(self) -> None:
        """Kill it as a power cut would, except for what the kernel has not yet written."""
        self._process.kill()
        self._process.wait(10)
