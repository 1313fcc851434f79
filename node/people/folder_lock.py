"""A folder -> its lock, which one process holds at a time."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from node.errors import PeopleError, Reason

_RETRY_S = 0.02


class FolderLock:
    """An `flock` of a folder; it ends with the process that holds it.

    Attributes:
        held: whether this object holds the lock.

    Args:
        folder: must exist when the lock is taken.
    """

    def __init__(self, folder: Path) -> None:
        self.held = False
        self._folder = folder

    @contextmanager
    def hold(self, timeout_s: float) -> Iterator[None]:
        """Hold the lock while the context lasts.

        Args:
            timeout_s: seconds to wait for whoever holds it.

        Raises:
            PeopleError: another holds it for longer.
            OSError: the folder cannot be opened or locked.
        """
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            self._acquire(folder, timeout_s)
            self.held = True
            try:
                yield
            finally:
                self.held = False
        finally:
            os.close(folder)

    def _acquire(self, folder: int, timeout_s: float) -> None:
        until_s = time.monotonic() + timeout_s
        while True:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() >= until_s:
                    raise PeopleError(
                        f"{self._folder}: another command is changing it: try again in a moment", Reason.BUSY
                    ) from error
                time.sleep(_RETRY_S)
            else:
                return
