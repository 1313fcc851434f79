"""Command line, environment and TOML file -> validated Settings, or one line that says what is wrong and where."""

import difflib
import logging
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, InitSettingsSource, PydanticBaseSettingsSource
from pydantic_settings.exceptions import SettingsError as ForeignSettingsError

from node.errors import SettingsError
from node.settings import Settings
from node.settings.paths import CAMERA_SOURCE, SYSTEM_FOLDER, Keys, Origin, Relied, expanded, locate, path_settings
from node.settings.schema import ENV_PREFIX
from node.settings.section import ConflictError
from node.settings.shown import shown
from node.settings.sources import Sources
from node.settings.variables import SECTIONS, setting_variables
from node.system.bounded_files import read_bounded
from node.system.redaction import printable, scheme_of
from node.system.text import decoded

__all__ = ["DEFAULT_FILE", "SECTIONS", "load"]

DEFAULT_FILE = Path("/etc/facenode/facenode.toml")
_MAX_BYTES = 1 << 20
_log = logging.getLogger(__name__)


class _Paths:
    """Puts every path where it leads, and keeps what an error or a warning needs.

    Args:
        sources: what every source gives.
        system_folder: a settings file in it may not name the home of a user.
    """

    def __init__(self, sources: Sources, system_folder: Path) -> None:
        self._sources = sources
        self._system_folder = system_folder
        self.relied: list[Relied] = []
        self.written: dict[Keys, str] = {}

    def locate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values of all sources with every path where it leads.

        Raises:
            SettingsError: one names a home that it may not name, or is a URL.
        """
        for keys in (CAMERA_SOURCE, *path_settings()):
            text = _at(values, keys)
            if not isinstance(text, str):
                continue
            file = self._sources.path if self._sources.is_in_file(keys) else None
            try:
                place, relied = locate(keys, text, Origin(self._sources.environ, file, self._system_folder))
            except ValueError as error:
                where = self._sources.of_value(keys)
                raise SettingsError(f"{'.'.join(keys)} = {shown(keys, text)!r} ({where}): {error}") from error
            self.written[keys] = text
            self.relied += [relied] if relied else []
            values = _replaced(values, keys, place)
        return values

    def warn(self) -> None:
        """Log the paths that version 0.1.0 found elsewhere, all in one line."""
        if self.relied:
            _log.warning(
                "%s: a relative path now starts at the folder of this file, no longer at the working directory: %s: "
                "write whole paths",
                self._sources.path,
                "; ".join(str(each) for each in self.relied),
            )


def _at(values: Any, keys: Keys) -> Any:  # noqa: ANN401 - nested mappings of any values
    for key in keys:
        values = values.get(key) if isinstance(values, Mapping) else None
    return values


def _replaced(values: Mapping[str, Any], keys: Keys, value: str) -> dict[str, Any]:
    key, *inner = keys
    return {**values, key: _replaced(values[key], tuple(inner), value) if inner else value}


class _Variables(EnvSettingsSource):
    """Read environment variables from a mapping rather than from the process."""

    def __init__(self, settings_cls: type[BaseSettings], environ: Mapping[str, str]) -> None:
        self._environ = {key.lower(): value for key, value in environ.items()}
        super().__init__(settings_cls)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._environ


def load(
    config: Path | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    environ: Mapping[str, str] | None = None,
    default_file: Path = DEFAULT_FILE,
    system_folder: Path = SYSTEM_FOLDER,
) -> Settings:
    """Return the settings; command line wins over environment, environment over file, file over defaults.

    Args:
        config: the TOML file; by default `default_file`, if it exists.
        overrides: values of the command line, by section and key.
        environ: the environment; by default the process's.
        default_file: read if it exists and no other file is named.
        system_folder: a settings file in it may not name the home of a user.

    Raises:
        SettingsError: a setting is unknown, missing or out of bounds; the message says which and where.
    """
    variables = setting_variables(os.environ if environ is None else environ)
    path = _named(config, variables) if config else (default_file if _exists(default_file) else None)
    sources = Sources(overrides or {}, variables, path, _read(path) if path else {})
    paths = _Paths(sources, system_folder)

    class Loaded(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            del env_settings, dotenv_settings, file_secret_settings
            file = InitSettingsSource(settings_cls, dict(sources.content))
            return init_settings, _Variables(settings_cls, variables), file

        @model_validator(mode="before")
        @classmethod
        def locate_paths(cls, values: dict[str, Any]) -> dict[str, Any]:
            return paths.locate(values)

    try:
        given: dict[str, Any] = {section: dict(values) for section, values in sources.overrides.items()}
        settings = Loaded(**given)
    except ValidationError as error:
        lines = [_sentence(problem, sources, paths.written) for problem in error.errors(include_url=False)]
        raise SettingsError("; ".join(lines)) from error
    except (
        ForeignSettingsError,
        RecursionError,
    ) as error:  # a list or section in one variable is not JSON, or too deep
        raise SettingsError(f"{error}: use one variable for each setting, {ENV_PREFIX}SECTION__KEY") from error
    paths.warn()
    return settings


def _named(config: Path, environ: Mapping[str, str]) -> Path:
    try:
        return expanded(config, environ)
    except ValueError as error:
        raise SettingsError(f"{config}: {error}") from error


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:  # the file may exist: without it this would be a different node
        raise SettingsError(
            f"{path}: {error.strerror or error}: make it readable, or name another with --config"
        ) from error
    return True


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(decoded(read_bounded(path, _MAX_BYTES)))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror or error}: name a readable settings file") from error
    except (ValueError, RecursionError) as error:  # also numbers too long, and tables too deep, for tomllib
        raise SettingsError(f"{path}: not a TOML file: {error}") from error


def _sentence(problem: Any, sources: Sources, written: Mapping[Keys, str]) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    """Return what is wrong with a setting or a section, and where it was given."""
    keys = [str(part) for part in problem["loc"]]
    value = problem.get("input")
    if isinstance(value, Mapping):
        error = problem.get("ctx", {}).get("error")
        where = sources.of_values(keys, error.keys if isinstance(error, ConflictError) else ())
    else:
        where = sources.of_value(keys)
    if problem["type"] == "extra_forbidden":
        return f"{'.'.join(keys)} ({where}): there is no such setting{_near(keys)}"
    message = problem["msg"].removeprefix("Value error, ")
    if isinstance(value, str) and tuple(keys) == CAMERA_SOURCE and scheme_of(value):
        message = f"write video:{printable(value)}"
    given = (
        f" = {shown(keys, value, written.get(tuple(keys)))!r}" if isinstance(value, str | int | float | bool) else ""
    )
    return f"{'.'.join(keys)}{given} ({where}): {message}"


def _near(keys: Sequence[str]) -> str:
    model: Any = Settings
    for key in keys[:-1]:
        if key.isdecimal():  # a place in a list, such as alerts.rules
            model = next(iter(get_args(model)), None)
        else:
            field = getattr(model, "model_fields", {}).get(key)
            model = field.annotation if field else None
    names: list[str] = list(getattr(model, "model_fields", ()))
    near = difflib.get_close_matches(keys[-1], names, n=1)
    if near:
        return f": did you mean {near[0]}?"
    return f": there are {', '.join(names)}" if names else ""
