"""A moment in a file -> UTC, so that whatever reads it can compare, print and write it again."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime


def _utc(moment: datetime) -> datetime:
    """Return the same moment in UTC.

    Raises:
        ValueError: UTC has no such moment, as with the first hour of the year 1 in the east.
    """
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the moment is out of range") from error


UtcDatetime = Annotated[AwareDatetime, AfterValidator(_utc)]
"""A field of a record: a moment with its zone, read as UTC."""
