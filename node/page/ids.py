"""The ids that paths and forms may name -> only those of the right form: nothing else reaches the node or a file."""

import re

from starlette.exceptions import HTTPException
from starlette.requests import Request

PERSON = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
ENTRY = re.compile(r"[0-9a-f]{8}")
PHOTO = re.compile(r"[0-9a-f]{16}")
ACTION = re.compile(r"[0-9a-f]{6}")
KEPT = re.compile(r"[0-9a-f]{32}")
"""Of what the page keeps in memory for a moment: stills and uploads."""


def path_id(request: Request, name: str, pattern: re.Pattern[str]) -> str:
    """Return an id in the path of a request.

    Raises:
        HTTPException: it does not have the form of one.
    """
    given = str(request.path_params[name])
    if not pattern.fullmatch(given):
        raise HTTPException(404)
    return given


def entry_ids(given: list[str]) -> list[str]:
    """Return the ids of visits in the values of a field, each once; a value may hold several, with commas."""
    found = (each for value in given for each in value.split(","))
    return list(dict.fromkeys(each for each in found if ENTRY.fullmatch(each)))
