"""Command line, environment and file -> which of them gave a value that is at fault."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from node.settings.schema import ENV_PREFIX


@dataclass(frozen=True, slots=True)
class Sources:
    """What every source gives.

    Attributes:
        overrides: the command line, by section and key.
        environ: the environment variables.
        path: the settings file; None if none is read.
        content: what the settings file holds.
    """

    overrides: Mapping[str, Any]
    environ: Mapping[str, str]
    path: Path | None
    content: Mapping[str, Any]

    def of_value(self, keys: Sequence[str]) -> str:
        """Return the source whose value is used, such as `variable FACENODE_CAMERA__FPS`; `default` if none gives one.

        Args:
            keys: the section, the key, and so on; a place in a list is a key, too.
        """
        return next(self._giving(keys), "default")

    def is_in_file(self, keys: Sequence[str]) -> bool:
        """Return whether the value that is used is the settings file's."""
        return self.path is not None and self.of_value(keys) == f"file {self.path}"

    def of_values(self, section: Sequence[str], keys: Sequence[str]) -> str:
        """Return the sources of several values of a section, the nearest first; without keys, of all its values."""
        used = {self.of_value((*section, key)) for key in keys}
        named = [source for source in self._giving(section) if source in used or not keys]
        return ", ".join(named) or "default"

    def _giving(self, keys: Sequence[str]) -> Iterator[str]:
        """Yield every source that gives this value, or anything of this section, the one that wins first."""
        if _gives(self.overrides, keys):
            yield "command line"
        for variable, value in self.environ.items():
            if _variable_gives(variable, value, keys):
                yield f"variable {variable}"
        if self.path and _gives(self.content, keys):
            yield f"file {self.path}"


def _gives(values: Any, keys: Sequence[str]) -> bool:  # noqa: ANN401 - a nested mapping of any values
    """Return whether values hold this key; what is no mapping, such as a list, holds all below it."""
    for key in keys:
        if not isinstance(values, Mapping):
            return True
        if key not in values:
            return False
        values = values[key]
    return True


def _variable_gives(variable: str, value: str, keys: Sequence[str]) -> bool:
    """Return whether a variable gives this value, anything of this section, or as JSON a section that holds it."""
    if not variable.upper().startswith(ENV_PREFIX):
        return False
    path = variable[len(ENV_PREFIX) :].lower().split("__")
    common = min(len(path), len(keys))
    if path[:common] != list(keys[:common]):
        return False
    try:
        values = json.loads(value)
    except (ValueError, RecursionError):
        return True
    return _gives(values, keys[common:])
