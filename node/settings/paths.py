"""A path in the settings, and which source gave it -> the path that it means.

A relative path of the settings file starts at that file, one of the command line or the environment at the working
directory. `~` and `$HOME` at the beginning are the user's home, but not in a file under /etc, which is everybody's.
Version 0.1.0 took every path from the working directory; where that leads somewhere, the owner is told.
"""

import errno
import os
import pwd
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from node.settings.schema import Settings
from node.system.redaction import redact, scheme_of

SYSTEM_FOLDER = Path("/etc")
"""Where a settings file is every user's."""
CAMERA_SOURCE = ("camera", "source")

Keys = tuple[str, ...]

_HOME = re.compile(r"(?:~|\$HOME|\$\{HOME\})(?=/|$)")
_OTHER = re.compile(r"^[~$]|\$HOME(?![A-Za-z0-9_])|\$\{HOME\}")
_NODE_FILES = ("outbox.db", "people")
"""What a node leaves in its storage folder."""


@dataclass(frozen=True, slots=True)
class Relied:
    """A path that version 0.1.0 found elsewhere.

    Attributes:
        keys: of the setting.
        used: the path that is used.
        other: the path that is not.
    """

    keys: Keys
    used: Path
    other: Path

    def __str__(self) -> str:
        """Return the setting and both paths."""
        return f"{'.'.join(self.keys)} is {self.used}, not {self.other}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a path was written, and for whom.

    Attributes:
        environ: gives the home folder.
        file: the settings file; None for the command line and the environment.
        system_folder: a file below it is every user's.
    """

    environ: Mapping[str, str]
    file: Path | None = None
    system_folder: Path = SYSTEM_FOLDER

    @property
    def folder(self) -> Path:
        """The folder at which a relative path starts."""
        return self.file.parent if self.file else Path()

    @property
    def is_every_users(self) -> bool:
        """Whether the path stands in a file that no single user owns, as it is named or where a link leads."""
        if self.file is None:
            return False
        folders = {Path(find(self.file)) for find in (os.path.abspath, os.path.realpath)}
        return any(file.is_relative_to(self.system_folder) for file in folders)

    def home(self) -> Path:
        """Return the user's home.

        Raises:
            ValueError: the user has none.
        """
        home = self.environ.get("HOME")
        if home is None:
            try:
                home = pwd.getpwuid(os.getuid()).pw_dir
            except KeyError:
                home = ""
        if not home.startswith("/"):
            raise ValueError("this user has no home folder: write the whole path")
        return Path(home)


def expanded(path: Path, environ: Mapping[str, str]) -> Path:
    """Return the path of a file that the command line names, with a home that no shell expanded, as in `--config=~/a`.

    Raises:
        ValueError: the user has no home.
    """
    return _new(str(path), Origin(environ)) or path


def path_settings() -> Iterator[Keys]:
    """Yield the keys of every setting that is a path, by its type."""
    yield from _paths_of(Settings, ())


def locate(keys: Keys, text: str, origin: Origin) -> tuple[str, Relied | None]:
    """Return the value that a path, or a source of a camera, means; and the other path if version 0.1.0 had another.

    Raises:
        ValueError: the path begins with a home that it may not name, or is a URL.
    """
    kind, path = "", text
    if keys == CAMERA_SOURCE:
        driver, colon, path = text.partition(":")
        kind = driver + colon
        if kind not in ("video:", "images:") or (kind == "video:" and scheme_of(path)):
            return text, None
    if scheme_of(path):
        todo = f"write video:{redact(path)}" if kind else "name a file or folder of this machine"
        raise ValueError(f"it is a URL: {todo}")
    if "\0" in path or not path:  # refused, or nothing to find
        return text, None
    new, old = _new(path, origin), _old(path, expands=bool(kind))
    if new is None:
        if not _exists(old):
            raise ValueError(
                "only ~ and $HOME at the beginning are expanded: write the whole path, or ./ in front of such a name"
            )
        return f"{kind}{old}", None
    relied = None
    if origin.file and _exists(old) and not _same(old, new):
        used, other = (old, new) if _uses_old(keys, new, old) else (new, old)
        new, relied = used, Relied(keys, _absolute(used), _absolute(other))
    return (text if new == Path(path) else f"{kind}{new}"), relied


def _new(path: str, origin: Origin) -> Path | None:
    """Return where a path leads; None if it begins with something else than a home that would be expanded."""
    if home := _HOME.match(path):
        if origin.is_every_users:
            raise ValueError(
                f"a file under {origin.system_folder} is for every user, and {home[0]} is not: write the whole path"
            )
        return origin.home() / path[home.end() :].lstrip("/")
    return None if _OTHER.search(path) else origin.folder / path


def _old(path: str, *, expands: bool) -> Path:
    """Return where version 0.1.0 looked; it expanded `~`, also another user's, for cameras alone."""
    try:
        return Path(path).expanduser() if expands else Path(path)
    except RuntimeError:  # there is no such user
        return Path(path)


def _uses_old(keys: Keys, new: Path, old: Path) -> bool:
    """Return whether the path of version 0.1.0 is the one in use."""
    holds: Callable[[Path], bool] = _holds_a_node if keys == ("storage", "dir") else _exists
    return not _may_exist(new) or (holds(old) and not holds(new))


def _holds_a_node(folder: Path) -> bool:
    return any(_may_exist(folder / name) for name in _NODE_FILES)


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except (OSError, ValueError):
        return False
    return True


def _may_exist(path: Path) -> bool:
    """Return whether there is something, or this user may not know."""
    try:
        path.stat()
    except OSError as error:
        return error.errno not in (errno.ENOENT, errno.ENOTDIR)
    return True


def _same(one: Path, other: Path) -> bool:
    try:
        return _absolute(one) == _absolute(other) or one.samefile(other)
    except OSError:
        return False


def _absolute(path: Path) -> Path:
    try:
        return Path(os.path.abspath(path))  # noqa: PTH100 - without `..`, so that the two can be compared
    except FileNotFoundError:  # the working directory is gone
        return path


def _paths_of(model: Any, above: Keys) -> Iterator[Keys]:  # noqa: ANN401 - pydantic models
    for name, field in model.model_fields.items():
        keys = (*above, name)
        if hasattr(field.annotation, "model_fields"):
            yield from _paths_of(field.annotation, keys)
        elif Path in _types(field.annotation):
            yield keys


def _types(annotation: Any) -> set[Any]:  # noqa: ANN401 - any type
    return {annotation}.union(*(_types(each) for each in get_args(annotation) if each is not annotation))
