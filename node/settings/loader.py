"""Command line, environment and TOML file -> validated Settings, or one line that says what is wrong and where."""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, InitSettingsSource, PydanticBaseSettingsSource
from pydantic_settings.exceptions import SettingsError as ForeignSettingsError

from node.errors import SettingsError
from node.settings import Settings
from node.settings.redaction import redact, scheme_of
from node.settings.schema import ENV_PREFIX
from node.settings.section import ConflictError
from node.settings.sources import Sources
from node.system.bounded_files import read_bounded

DEFAULT_FILE = Path("/etc/facenode/facenode.toml")
SECTIONS = tuple(Settings.model_fields)
_MAX_BYTES = 1 << 20
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


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
) -> Settings:
    """Return the settings; command line wins over environment, environment over file, file over defaults.

    Args:
        config: the TOML file; by default `default_file`, if it exists.
        overrides: values of the command line, by section and key.
        environ: the environment; by default the process's.
        default_file: read if it exists and no other file is named.

    Raises:
        SettingsError: a setting is unknown, missing or out of bounds; the message says which and where.
    """
    overrides = overrides or {}
    variables: Mapping[str, str] = os.environ if environ is None else environ
    _refuse_mistyped(variables)
    path = config or (default_file if _exists(default_file) else None)
    content = _read(path) if path else {}

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
            return init_settings, _Variables(settings_cls, variables), InitSettingsSource(settings_cls, content)

    try:
        given: dict[str, Any] = {section: dict(values) for section, values in overrides.items()}
        return Loaded(**given)
    except ValidationError as error:
        sources = Sources(overrides, variables, path, content)
        lines = [_sentence(problem, sources) for problem in error.errors(include_url=False)]
        raise SettingsError("; ".join(lines)) from error
    except (
        ForeignSettingsError,
        RecursionError,
    ) as error:  # a list or section in one variable is not JSON, or too deep
        raise SettingsError(f"{error}: use one variable for each setting, {ENV_PREFIX}SECTION__KEY") from error


def printable(value: str) -> str:
    """Return a value without anything that could be a camera's password; in doubt, nothing of it."""
    url = _URL.search(value)
    before, rest = (value[: url.start()], redact(value[url.start() :])) if url else (value, "")
    return ("***" if "@" in before or "=" in before else before) + rest


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
        return tomllib.loads(read_bounded(path, _MAX_BYTES).decode("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror or error}: name a readable settings file") from error
    except (ValueError, RecursionError) as error:  # also numbers too long, and tables too deep, for tomllib
        raise SettingsError(f"{path}: not a TOML file: {error}") from error


def _refuse_mistyped(environ: Mapping[str, str]) -> None:
    """Refuse a variable that looks like a setting but is none: pydantic-settings ignores it silently."""
    for variable in environ:
        name = variable.upper()
        if not name.startswith(ENV_PREFIX):
            continue
        head, double, key = name.removeprefix(ENV_PREFIX).partition("__")
        if double:
            if head.lower() not in SECTIONS:
                raise SettingsError(f"{variable}: there is no section {head.lower()!r}{_proposal(head, key)}")
            continue
        for section in SECTIONS:
            if name.startswith(f"{ENV_PREFIX}{section.upper()}_"):
                rest = name.removeprefix(f"{ENV_PREFIX}{section.upper()}_")
                raise SettingsError(
                    f"{variable}: two underscores join a section and its key: "
                    f"write {ENV_PREFIX}{section.upper()}__{rest}"
                )


def _proposal(head: str, key: str) -> str:
    near = difflib.get_close_matches(head.lower(), SECTIONS, n=1)
    if near:
        return f": did you mean {ENV_PREFIX}{near[0].upper()}__{key}?"
    return f": the sections are {', '.join(SECTIONS)}"


def _sentence(problem: Any, sources: Sources) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
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
    if isinstance(value, str):
        if keys == ["camera", "source"] and scheme_of(value):
            message = f"write video:{printable(value)}"
        value = printable(value)
    shown = f" = {value!r}" if isinstance(value, str | int | float | bool) else ""
    return f"{'.'.join(keys)}{shown} ({where}): {message}"


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
