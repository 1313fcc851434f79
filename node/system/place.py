"""A path -> the folder that it leads to, and the links on the way, none of them followed blindly."""

import stat
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from node.errors import StorageError

ROOT = 0
"""Number of the user root."""
_MAX_LINKS = 40


@dataclass(frozen=True, slots=True)
class Link:
    """A link on the way to a folder.

    Attributes:
        path: where it stands.
        uid: number of its owner.
    """

    path: Path
    uid: int


@dataclass(frozen=True, slots=True)
class Place:
    """The folder, or the nearest one above it if it does not exist yet.

    Attributes:
        path: without links.
        uid: number of its owner.
        gid: number of its group.
        links: those that lead to it.
    """

    path: Path
    uid: int
    gid: int
    links: tuple[Link, ...] = ()


def check_links(place: Place, user: int) -> None:
    """Accept the links that lead to a storage folder.

    Raises:
        StorageError: one belongs neither to root nor to the user.
    """
    for link in place.links:
        if link.uid not in (ROOT, user):
            raise StorageError(
                f"{link.path}: this link leads to storage.dir and belongs to user {link.uid}, who may change it: "
                f"set storage.dir to {place.path}, or make the link your own"
            )


def find(folder: Path) -> Place:
    """Go to a folder step by step, and return where it is, or how far that leads.

    Raises:
        StorageError: the way cannot be looked at.
    """
    try:
        return _walk(folder)
    except OSError as error:
        raise StorageError(f"{error.filename or folder}: {error.strerror}: correct storage.dir") from error


def _walk(folder: Path) -> Place:
    steps = deque(folder.absolute().parts[1:])
    here, links = Path("/"), list[Link]()
    while steps:
        step = steps.popleft()
        if step == "..":
            here = here.parent
            continue
        try:
            state = (here / step).lstat()
        except (FileNotFoundError, PermissionError):  # whoever may not look further cannot do anything there either
            break
        if not stat.S_ISLNK(state.st_mode):
            here /= step
            continue
        links.append(Link(here / step, state.st_uid))
        if len(links) > _MAX_LINKS:
            raise OSError(0, "too many links", str(folder))
        target = (here / step).readlink()
        steps.extendleft(reversed(target.parts[target.is_absolute() :]))
        if target.is_absolute():
            here = Path("/")
    state = here.lstat()
    return Place(here, state.st_uid, state.st_gid, tuple(links))
