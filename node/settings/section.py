"""What all sections of the settings share: their base class, types of fields, and the error of values in conflict."""

import stat
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, field_validator

ID_PATTERN = r"[a-z0-9][a-z0-9_-]{0,31}"


class Section(BaseModel):
    """A frozen section that refuses unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @field_validator("*")
    @classmethod
    def _has_no_zero_byte(cls, value: object) -> object:
        if isinstance(value, str | Path) and "\0" in str(value):
            raise ValueError("a name, file or host cannot contain a zero byte")
        return value


class ConflictError(ValueError):
    """Values of a section that do not go together.

    Args:
        message: what is wrong and what to do.
        keys: the keys of the section whose values are at fault.
    """

    def __init__(self, message: str, *keys: str) -> None:
        super().__init__(message)
        self.keys = keys


def _checked_file(path: Path) -> Path:
    """Refuse what is not a file, with the system's reason where it cannot be looked at."""
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
    except OSError as error:
        raise ValueError(f"{error.strerror or error}: name a file that can be read") from error
    if not regular:
        raise ValueError("not a file")
    return path


FilePath = Annotated[Path, AfterValidator(_checked_file)]
"""A file that exists."""


def split_at_commas(value: object) -> object:
    """Turn `identity,age`, as a command line or a variable gives it, into a tuple; leave any other value alone."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
