"""When each photo of a person was enrolled <-> `photos.json` beside the record, a file that version 0.1.0 ignores."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from node.system.moments import UtcDatetime
from node.system.plain_files import read_regular

FILE = "photos.json"
_MAX_BYTES = 2 << 20
"""Most bytes of a file: more than the photos of the largest record take."""

Dates = Mapping[str, datetime]
"""When each photo was enrolled, by its id."""


class _File(BaseModel):
    v: Annotated[int, Field(ge=1, le=1)] = 1
    photos: dict[str, UtcDatetime]


def encode(dates: Dates) -> bytes:
    """Return the content of the file; empty without dates, since there is no file then."""
    if not dates:
        return b""
    seconds = {photo: at.replace(microsecond=0) for photo, at in sorted(dates.items())}
    return _File(photos=seconds).model_dump_json(indent=1).encode()


def read(folder: Path) -> Dates:
    """Return the dates in the folder of a person; nothing if the file is absent or damaged: it is for display only."""
    try:
        return _File.model_validate_json(read_regular(folder / FILE, _MAX_BYTES)).photos
    except (OSError, ValidationError):
        return {}


def changed(crop: Path) -> datetime | None:
    """Return when the file of a crop was written, for a photo whose date is not kept; None if nobody can tell."""
    try:
        return datetime.fromtimestamp(crop.lstat().st_mtime, UTC)
    except (OSError, ValueError, OverflowError):  # no file, or beyond the year 9999
        return None
