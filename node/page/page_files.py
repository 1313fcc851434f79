"""The files of the page in `storage.dir/page`: private, complete or absent, and small."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from node.system.files import make_private_folder, write_privately
from node.system.plain_files import read_regular

FOLDER = "page"
_MAX_BYTES = 64 * 1024


class PageFiles:
    """Read and write the files of the page.

    Args:
        storage: `storage.dir`, in which their folder is made with the first of them.

    Attributes:
        folder: where they are.
    """

    def __init__(self, storage: Path) -> None:
        self.folder = storage / FOLDER

    def path(self, name: str) -> Path:
        """Return the path of a file."""
        return self.folder / name

    def read(self, name: str) -> bytes | None:
        """Return the content of a file; None if it does not exist.

        Raises:
            OSError: it cannot be read, or something else is in its place.
        """
        try:
            return read_regular(self.path(name), _MAX_BYTES)
        except FileNotFoundError:
            return None

    def read_object(self, name: str) -> dict[str, Any] | None:
        """Return the JSON object in a file; None if there is none, or if it is damaged: a damaged one opens nothing.

        Raises:
            OSError: it cannot be read, or something else is in its place.
        """
        content = self.read(name)
        if content is None:
            return None
        with suppress(ValueError, RecursionError):
            found = json.loads(content)
            if isinstance(found, dict):
                return found
        return None

    def write(self, name: str, content: bytes) -> None:
        """Create or replace a file; it is on the disk on return.

        Raises:
            OSError: it cannot be written; an existing file is unchanged.
        """
        make_private_folder(self.folder)
        write_privately(self.path(name), content)

    def write_object(self, name: str, fields: dict[str, Any]) -> None:
        """Create or replace a file with a JSON object.

        Raises:
            OSError: it cannot be written; an existing file is unchanged.
        """
        self.write(name, json.dumps(fields, separators=(",", ":")).encode())

    def take(self, name: str) -> bool:
        """Remove a file. Return whether this call removed it: of two that try at once, one alone does.

        Raises:
            OSError: it cannot be removed.
        """
        try:
            self.path(name).unlink()
        except FileNotFoundError:
            return False
        return True
