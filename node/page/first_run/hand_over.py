"""Answers of the page -> the file that root's path unit waits for; and what root says came of it."""

import json
import os
from pathlib import Path
from typing import Any

from node.setup.one_shot import ANSWERS, INBOX, MAX_BYTES, RESULT
from node.system.plain_files import read_regular


class HandOver:
    """The folder of the first run.

    Args:
        folder: root's own; its inbox is this user's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._since_ns = 0

    def give(self, code: str, browser: str, answers: dict[str, Any]) -> None:
        """Hand answers over, as one file that is complete when it appears.

        Raises:
            OSError: they cannot be written.
        """
        self._since_ns = self._stamp()
        content = json.dumps({"code": code, "browser": browser, "answers": answers}).encode()
        part = self._folder / INBOX / f".{ANSWERS}"
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        part.replace(self._folder / INBOX / ANSWERS)

    def result(self) -> str | None:
        """Return what came of it: empty for all is well, else a sentence; None while nothing is known yet."""
        if self._stamp() == self._since_ns:
            return None
        try:
            fields = json.loads(read_regular(self._folder / RESULT, MAX_BYTES))
            return "" if fields["ok"] is True else str(fields["sentence"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _stamp(self) -> int:
        """Return by what a later result is told from an earlier one."""
        try:
            state = (self._folder / RESULT).stat()
        except OSError:
            return 0
        return state.st_mtime_ns ^ state.st_ino
