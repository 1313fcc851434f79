"""The people who are being erased <-> an empty file for each, so that whoever comes after a kill finishes it.

people/<id>.erasing          made before anything of a person is erased, and removed after the last of it is

A name alone needs no room for content: people can be erased on a full disk, and no mark can be half written. Every
change is made under the lock of the folder.
"""

import re
from pathlib import Path

from node.settings.section import ID_PATTERN
from node.system.files import sync_folder, touch_privately

_MARK = ".erasing"
_NAME = re.compile(rf"({ID_PATTERN}){re.escape(_MARK)}")


class ErasureMarks:
    """The marks in a folder.

    Args:
        folder: of the people.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def ids(self) -> frozenset[str]:
        """Return who is being erased.

        Raises:
            OSError: the folder cannot be read.
        """
        try:
            names = [path.name for path in self._folder.iterdir()]
        except FileNotFoundError:
            return frozenset()
        return frozenset(match[1] for name in names if (match := _NAME.fullmatch(name)))

    def add(self, person: str) -> None:
        """Mark a person; the mark is on the disk on return.

        Raises:
            OSError: the mark cannot be made.
        """
        touch_privately(self._path(person))

    def discard(self, person: str) -> None:
        """Remove the mark of a person, if there is one.

        Raises:
            OSError: the mark cannot be removed.
        """
        self._path(person).unlink(missing_ok=True)
        sync_folder(self._folder)

    def _path(self, person: str) -> Path:
        return self._folder / f"{person}{_MARK}"
