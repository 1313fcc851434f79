"""A folder -> a git repository that does not depend on the user's configuration."""

import os
import subprocess
from pathlib import Path

MADE_S = 1_700_000_000
"""When each commit is made, in seconds since 1970."""


class GitRepository:
    """A git repository.

    Attributes:
        folder: its checkout.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self._git("init")

    def commit(self, message: str) -> None:
        """Commit all changes in the checkout, including deletions."""
        self._git("add", "--all")
        self._git("commit", "--message", message)

    def _git(self, *arguments: str) -> None:
        environ = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_COMMITTER_DATE": f"{MADE_S} +0000",
        }
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        subprocess.run(["git", *identity, *arguments], cwd=self.folder, env=environ, check=True, capture_output=True)
