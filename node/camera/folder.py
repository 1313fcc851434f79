"""A path that an owner names -> the pictures and clips there by their content, and what else is there."""

import contextlib
import os
import stat
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from node.camera.file_kind import HEAD_BYTES, FileKind, claimed_kind, file_kind, foreign_format
from node.domain import counted
from node.errors import CameraError

MAX_ENTRIES = 250_000
"""Most files and folders in a folder."""

PICTURES = frozenset({FileKind.IMAGE})
PICTURES_AND_CLIPS = frozenset(FileKind)

_SHOWN = 5
"""Most names that are listed for a reason, and most reasons."""


@dataclass(frozen=True, slots=True)
class Other:
    """An entry of a folder that is not used.

    Attributes:
        path: of the file or folder.
        reason: why, a few words; empty for a hidden one.
        unreadable: whether nobody can know what it is.
    """

    path: Path
    reason: str
    unreadable: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What a path holds.

    Attributes:
        path: as it was named.
        files: what is to be read, with its kind, sorted by name.
        others: what is not, sorted by name.
        hidden: files and folders whose names begin with a dot: programs keep their own things there.
    """

    path: Path
    files: tuple[tuple[Path, FileKind], ...]
    others: tuple[Other, ...] = ()
    hidden: int = 0

    @property
    def unreadable(self) -> bool:
        """Whether something may be a picture, but cannot be read."""
        return any(other.unreadable for other in self.others)

    def not_used(self) -> str | None:
        """Return what is not used and why, in a line of limited length; None if everything is used."""
        count = len(self.others) + self.hidden
        if not count:
            return None
        reasons: dict[str, list[str]] = {}
        for other in self.others:
            reasons.setdefault(other.reason, []).append(str(other.path.relative_to(self.path)))
        parts = [f"{_listed(names)}: {reason}" for reason, names in list(reasons.items())[:_SHOWN]]
        if len(reasons) > _SHOWN:
            parts.append(f"others for {counted(len(reasons) - _SHOWN, 'other reason')}")
        if self.hidden:
            parts.append(f"{self.hidden} hidden")
        return f"{counted(count, 'entry', 'entries')} not used: {'; '.join(parts)}"


def find_files(path: Path, kinds: AbstractSet[FileKind] = PICTURES, *, nested: bool = False) -> Found:
    """Return what is in a folder; any other path is returned as it is, and whoever reads it reports an error.

    The content of a file decides what it is, not its name. A file that only claims by its ending to be a picture is
    returned as one, so that whoever reads it reports the error. A link to a file is followed, a link to a folder is
    not. Nothing but regular files is opened.

    Args:
        path: a folder or a file.
        kinds: what is wanted of a folder.
        nested: also search the folders inside it.

    Raises:
        CameraError: the folder cannot be listed, or holds too much.
    """
    if not _is_folder(path):
        return Found(path, ((path, _named_kind(path)),))
    files: list[tuple[Path, FileKind]] = []
    others: list[Other] = []
    for number, entry in enumerate(_entries(path, nested=nested)):
        if number >= MAX_ENTRIES:
            raise CameraError(f"{path}: holds more than {MAX_ENTRIES} files: name a smaller folder")
        if isinstance(entry, Other):
            others.append(entry)
        elif isinstance(kind := _examined(entry, kinds), Other):
            others.append(kind)
        else:
            files.append((entry, kind))
    shown = sorted((other for other in others if other.reason), key=lambda other: other.path)
    files.sort(key=lambda file: file[0])
    return Found(path, tuple(files), tuple(shown), len(others) - len(shown))


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def _entries(top: Path, *, nested: bool) -> Iterator[Path | Other]:
    """Yield the files of a folder to look at, and what is not to be looked at.

    Raises:
        CameraError: the folder itself cannot be listed.
    """
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    path = Path(entry.path)
                    if entry.name.startswith("."):
                        yield Other(path, "")
                    elif entry.is_dir(follow_symlinks=False):
                        if nested:
                            waiting.append(path)
                        else:
                            yield Other(path, "a folder inside it, which is not searched")
                    elif path.is_dir():
                        yield Other(path, "a link to a folder, which is not followed")
                    else:
                        yield path
        except OSError as error:
            if folder == top:
                raise CameraError(f"{top}: {error.strerror or error}: name a readable folder") from error
            yield Other(folder, f"{error.strerror or error}", unreadable=True)


def _examined(path: Path, kinds: AbstractSet[FileKind]) -> FileKind | Other:
    """Return what an entry that is not a folder is read as, or why it is not."""
    claimed = claimed_kind(path.suffix)
    try:
        head = _head(path)
    except _NotAFileError as error:
        return Other(path, str(error))
    except OSError as error:
        if path.is_symlink() and not path.exists():
            return Other(path, "a broken link")
        reason = Other(path, f"{error.strerror or error}", unreadable=True)
        return claimed if claimed and claimed in kinds else reason
    kind = file_kind(head, path.suffix) or (claimed if claimed in kinds else None)
    return kind if kind and kind in kinds else Other(path, _reason(kind, head, kinds))


def _reason(kind: FileKind | None, head: bytes, kinds: AbstractSet[FileKind]) -> str:
    """Return why a file that could be read is not used."""
    if kind is None and (foreign := foreign_format(head)):
        return f"{foreign}, which is not read: save it as JPEG"
    wanted = " or ".join(each.value for each in FileKind if each in kinds)
    return f"{kind.value}, not {wanted}" if kind else f"not {wanted}"


def _named_kind(path: Path) -> FileKind:
    """Return what a path that was named is read as; a picture if nothing tells."""
    kind = None
    with contextlib.suppress(OSError, ValueError):
        kind = file_kind(_head(path), path.suffix)
    return kind or claimed_kind(path.suffix) or FileKind.IMAGE


class _NotAFileError(OSError):
    """An entry is neither a file nor a folder."""


def _head(path: Path) -> bytes:
    """Return the first bytes of a regular file, without waiting if it has become a pipe meanwhile.

    Raises:
        OSError: it is not a regular file, or cannot be read.
    """
    if not stat.S_ISREG(path.stat().st_mode):  # opening a device can have effects
        raise _NotAFileError("a pipe, a socket or a device")
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC), "rb", 0) as file:
        return file.read(HEAD_BYTES) or b""


def _listed(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
