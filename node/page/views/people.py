"""Everybody who is enrolled, and copying them to another node and back."""

import tempfile
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from node.page.backend import Backend
from node.page.form import Form
from node.page.pages import Pages
from node.page.problems import PageError
from node.page.texts import say, say_count
from node.page.uploaded import spooled
from node.page.visit import Visit

_PART_BYTES = 64 * 1024


class PeopleViews:
    """Show everybody, export and import.

    Args:
        backend: asks the node.
        pages: renders what is shown.
    """

    def __init__(self, backend: Backend, pages: Pages) -> None:
        self._backend, self._pages = backend, pages

    def show(self, visit: Visit, request: Request) -> Response:
        """Return the page with everybody."""
        del request
        people = sorted(self._backend.ask("people_overview"), key=lambda each: (each["name"].lower(), each["id"]))
        names = {each["id"]: each["name"] for each in people}
        return self._pages.show(
            visit, "people.html", page="people", people=people, names=names, away=not self._backend.node_runs
        )

    def export(self, visit: Visit, request: Request, form: Form) -> Response:
        """Return a file with everybody."""
        del visit, request, form
        file: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it is sent
        try:
            self._backend.help("people_export", file)
        except BaseException:
            file.close()
            raise
        return _FileAnswer(file, "facenode.people")

    def import_file(self, visit: Visit, request: Request, form: Form) -> Response:
        """Take over the people of a file."""
        del request
        if len(form.files) != 1:
            raise PageError(say("error.no_files"))
        done: Mapping[str, Any] = self._backend.help(
            "people_import", spooled(form.files[0]), replace=form.value("replace") == "yes"
        )
        return self._pages.go_to(visit, "/people", say_count("done.imported", int(done["people"])))


class _FileAnswer(StreamingResponse):
    """A file that is closed once it is sent, or once nobody waits for it any more.

    Args:
        file: which has no name.
        name: under which a browser keeps it.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
        super().__init__(_parts(file), media_type="application/octet-stream", headers=headers)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        with self._file:
            await super().__call__(scope, receive, send)


def _parts(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while part := file.read(_PART_BYTES):
        yield part
