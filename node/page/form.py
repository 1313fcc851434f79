"""The body of a request -> the fields and files of a form, bounded, and only if it carries the session's token."""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from node.page.visit import Visit

TOKEN = "token"  # noqa: S105 - the name of a field
MAX_FILES, _MAX_FIELDS, _MAX_FIELD_BYTES = 10, 300, 4096


class FormRefusedError(HTTPException):
    """A form is not one that this session was given.

    Args:
        text: the key of the sentence that says so.
    """

    def __init__(self, text: str) -> None:
        super().__init__(403)
        self.text = text


@dataclass(frozen=True, slots=True)
class Form:
    """A form that was sent.

    Attributes:
        fields: the values of each field.
        files: the files, without those that nobody chose.
    """

    fields: Mapping[str, Sequence[str]]
    files: Sequence[UploadFile] = ()

    def value(self, name: str, fits: Callable[[str], object] = lambda _: True) -> str:
        """Return the value of a field; empty if it is not there, or does not fit."""
        given = self.fields.get(name, ())
        return given[0] if len(given) == 1 and fits(given[0]) else ""

    def values(self, name: str, fits: Callable[[str], object] = lambda _: True) -> list[str]:
        """Return the values of a field that fit."""
        return [value for value in self.fields.get(name, ()) if fits(value)]


async def read_form(request: Request, visit: Visit) -> Form:
    """Return the form in the body of a request.

    Raises:
        FormRefusedError: it does not carry the token of the session.
        HTTPException: it makes no sense.
    """
    form = await request.form(max_files=MAX_FILES, max_fields=_MAX_FIELDS, max_part_size=_MAX_FIELD_BYTES)
    fields: dict[str, list[str]] = {}
    files = []
    for name, value in form.multi_items():
        if isinstance(value, str):
            fields.setdefault(name, []).append(value)
        elif value.filename:
            files.append(value)
    found = Form(fields, files)
    if not (visit.token and hmac.compare_digest(found.value(TOKEN).encode(), visit.form_token.encode())):
        raise FormRefusedError("refused.form")
    return found
