"""Answers -> the settings file and the files of its secrets, all of them or none.

The settings file names the files of the password and of the certificates. A new password is written to a new file, and
the settings file, which is renamed into its place, decides at one moment which of them counts. What is left of an
attempt that was interrupted is a file that nobody names; the next attempt takes it over.

The settings file that is replaced stays as `<name>.previous`, with the secrets that it names.
"""

import os
import re
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from node.errors import SettingsError, SetupError
from node.settings import Settings
from node.setup.schema import Answers
from node.setup.settings_text import Changes, edited, read
from node.system.bounded_files import read_bounded
from node.system.files import sync_folder
from node.system.text import decoded

PASSWORD, AUTHORITY = "mqtt-password", "mqtt-ca.pem"
_MAX_BYTES = 1 << 20
_MOST_NAMES = 100
_OURS = re.compile(r"mqtt-password(-\d+)?|mqtt-ca(-\d+)?\.pem")
_HEAD = "# Made by `facenode setup`. Run it again to change this, or edit it; docs/settings.md has every setting.\n"

Load = Callable[[Path], Settings]
"""Reads a settings file as the node does; raises SettingsError."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who may read the files.

    Attributes:
        gid: the group of the service; None: the owner of the process alone.
    """

    gid: int | None = None

    @property
    def mode(self) -> int:
        """The mode of each file."""
        return 0o600 if self.gid is None else 0o640


class SettingsFiles:
    """The settings file and the secrets beside it.

    Args:
        path: of the settings file.
        owner: who may read the files.
        load: reads a settings file as the node does.
        storage: `storage.dir` for a new file; None: the default.
    """

    def __init__(self, path: Path, owner: Owner, load: Load, storage: str | None = None) -> None:
        self._path, self._owner, self._load, self._storage = path, owner, load, storage

    @property
    def path(self) -> Path:
        """Of the settings file."""
        return self._path

    @property
    def previous(self) -> Path:
        """The copy of the file that was replaced last."""
        return self._path.with_name(f"{self._path.name}.previous")

    def current(self) -> Settings | None:
        """Return the settings that are set; None if there are none.

        Raises:
            SettingsError: they cannot be read.
        """
        return self._load(self._path) if self._path.exists() else None

    def check_writable(self) -> None:
        """Refuse a place that cannot be written, before anything is asked.

        Raises:
            SetupError: it cannot; the message says how it can.
        """
        existing = next(path for path in (self._path.parent, *self._path.absolute().parents) if path.exists())
        if not (existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)):
            raise SetupError(f"{existing} cannot be written: run `sudo facenode setup`, or name a file with --config")

    def write(self, answers: Answers) -> bool:
        """Write the settings and secrets of the answers; return whether there was a file that was replaced.

        Raises:
            SetupError: they cannot be written, or the node would not accept them; nothing was changed.
        """
        try:
            return self._write(answers)
        except SettingsError as error:
            raise SetupError(f"the node does not accept these settings: {error}") from error
        except OSError as error:
            raise SetupError(
                f"{error.filename or self._path}: {error.strerror or error}: nothing was changed: make it writable"
            ) from error

    def _write(self, answers: Answers) -> bool:
        self._path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        former = read_bounded(self._path, _MAX_BYTES) if self._path.exists() else None
        made: list[Path] = []
        try:
            password = self._secret(PASSWORD, answers.broker.password, made)
            authority = self._secret(AUTHORITY, answers.broker.ca, made)
            text = self._text(former, answers, password, authority)
            part = self._path.with_name(f".{self._path.name}.new")
            made.append(part)
            self._put(part, text.encode())
            self._check(part)
            older = self._named(self.previous)
            if former is not None:
                self._keep(former)
            part.replace(self._path)
        except BaseException:
            for path in made:
                path.unlink(missing_ok=True)
            raise
        sync_folder(self._path.parent)
        self._remove(older)
        return former is not None

    def _check(self, part: Path) -> None:
        """Read the new file as the node will; what it refuses is never put in place."""
        try:
            self._load(part)
        except SettingsError as error:
            raise SettingsError(str(error).replace(part.name, self._path.name)) from error

    def _text(self, former: bytes | None, answers: Answers, password: str | None, authority: str | None) -> str:
        values: dict[str, Any] = {}
        text = _HEAD
        if former is not None:
            with suppress(SetupError, ValueError):  # a file that is no TOML is kept as a copy, and a new one made
                values = read(former)
                text = decoded(former)
        return edited(text, _changes(answers, values, password, authority, self._storage))

    def _secret(self, name: str, content: str, made: list[Path]) -> str | None:
        """Return the name of a file with this content, beside the settings file; None for nothing."""
        if not content:
            return None
        line = content if content.endswith("\n") else f"{content}\n"
        start, dot, kind = name.partition(".")
        names = (name, *(f"{start}-{number}{dot}{kind}" for number in range(2, _MOST_NAMES)))
        paths = [self._path.with_name(each) for each in names]
        for path in paths:
            if self._holds(path, line.encode()):
                return path.name
        free = next((path for path in paths if not os.path.lexists(path)), None)
        if free is None:
            raise SetupError(f"{self._path.parent}: too many files {name}: remove those that no settings name")
        made.append(free)
        self._put(free, line.encode())
        return free.name

    def _holds(self, path: Path, content: bytes) -> bool:
        """Return whether a file has this content, and only those may read it who should."""
        try:
            status = path.lstat()
            right = stat.S_ISREG(status.st_mode) and stat.S_IMODE(status.st_mode) == self._owner.mode
            group = self._owner.gid is None or status.st_gid == self._owner.gid
            return right and group and status.st_uid == os.geteuid() and read_bounded(path, _MAX_BYTES) == content
        except OSError:
            return False

    def _put(self, path: Path, content: bytes) -> None:
        """Create a file and wait until it is on the disk."""
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            if self._owner.gid is not None:
                os.fchown(descriptor, -1, self._owner.gid)
            os.fchmod(descriptor, self._owner.mode)
            file.write(content)
            file.flush()
            os.fsync(descriptor)

    def _keep(self, former: bytes) -> None:
        part = self._path.with_name(f".{self._path.name}.old")
        self._put(part, former)
        part.replace(self.previous)

    def _remove(self, names: set[str]) -> None:
        """Remove secrets that an older copy named and nothing names any more."""
        for name in names - self._named(self._path) - self._named(self.previous):
            if _OURS.fullmatch(name):
                self._path.with_name(name).unlink(missing_ok=True)

    def _named(self, path: Path) -> set[str]:
        """Return the files beside it that a settings file names for its secrets."""
        if not path.exists():
            return set()
        try:
            mqtt = read(read_bounded(path, _MAX_BYTES)).get("mqtt", {})
            tls = mqtt.get("tls", {})
            return {str(name) for name in (mqtt.get("password_file"), tls.get("ca_file")) if name}
        except (SetupError, OSError, AttributeError):
            return set()


def _changes(
    answers: Answers, former: Mapping[str, Any], password: str | None, authority: str | None, storage: str | None
) -> Changes:
    """Return what the answers change in the settings."""
    broker, node, camera = answers.broker, answers.node, answers.camera
    tls = former.get("mqtt", {}).get("tls", {}) if isinstance(former.get("mqtt"), Mapping) else {}
    kept = {key: value for key, value in tls.items() if key not in ("enabled", "ca_file")}
    authorities = {"ca_file": authority} if authority else {}
    changes: dict[str, dict[str, Any]] = {
        "node": {
            "id": node.id,
            "name": node.name or None,
            "area": node.area or None,
            "timezone": node.timezone,
        },
        "camera": {"source": camera.source, "rotate": camera.rotate or None},
        "mqtt": {
            "host": broker.host,
            "port": broker.port,
            "username": broker.username or None,
            "password_file": password,
            "tls": {"enabled": True, **authorities, **kept} if broker.tls else None,
        },
    }
    if answers.page.keep:
        changes["page"] = {"door": "lan"}
    if storage is not None and "storage" not in former:
        changes["storage"] = {"dir": storage}
    return changes
