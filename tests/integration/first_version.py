"""The commit of version 0.1.0 -> its program, run as a command on the folders of this version."""

import json
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from facenode_command import ROOT, CommandResult, environment

COMMIT = "8c485e57bb1876dd480840b518d0d181389d1303"
"""The last commit before the changelog has anything that is not in 0.1.0."""
_PARTS = ("node", "models/detector", "models/zoo/mobilefacenet.float32.json", "models/zoo/mobilefacenet.float32.tflite")


class FirstVersion:
    """The program of version 0.1.0, from the history of the checkout.

    Args:
        folder: where its files are put.

    Raises:
        LookupError: the checkout has no history, or none that goes back so far.
    """

    def __init__(self, folder: Path) -> None:
        done = subprocess.run(["git", "archive", COMMIT, *_PARTS], cwd=ROOT, check=False, capture_output=True)
        if done.returncode:
            raise LookupError(done.stderr.decode(errors="replace").strip())
        with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
            archive.extractall(folder, filter="data")
        self._folder = folder

    def run(self, *arguments: str | Path, settings: Mapping[str, object]) -> CommandResult:
        """Run a command of it to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "node.cli", *map(str, arguments)],
            cwd=self._folder, env=environment(settings) | {"PYTHONPATH": str(self._folder)},
            check=False, capture_output=True, text=True, timeout=180,
        )  # fmt: skip
        return CommandResult(done.returncode, done.stdout, done.stderr)

    def names(self, picture: Path, settings: Mapping[str, object]) -> list[str]:
        """Return whom it recognizes in a picture."""
        result = self.run("recognize", picture, "--json", settings=settings)
        assert result.code == 0, result.err
        return [face["identity"]["id"] for face in json.loads(result.out)["faces"]]
