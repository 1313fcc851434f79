"""A view's method -> an endpoint of Starlette: on a thread, since it waits for the node; its errors become pages."""

from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from node.errors import PeopleError
from node.page.form import Form, read_form
from node.page.pages import Pages
from node.page.people_names import PeopleNames
from node.page.problems import PageError, sentence_of
from node.page.texts import Sentence
from node.page.visit import Visit, visit_of

Show = Callable[[Visit, Request], Response]
"""Returns a page."""
Change = Callable[[Visit, Request, Form], Response]
"""Changes something, and returns where a browser goes next."""
Endpoint = Callable[[Request], Awaitable[Response]]


class Endpoints:
    """Make endpoints.

    Args:
        pages: renders what goes wrong.
        names: of the people, for sentences about them.
    """

    def __init__(self, pages: Pages, names: PeopleNames) -> None:
        self._pages, self._names = pages, names

    def show(self, view: Show) -> Endpoint:
        """Return the endpoint of a page; what the node refuses is a page that says so."""

        async def endpoint(request: Request) -> Response:
            visit = visit_of(request)
            try:
                return await run_in_threadpool(view, visit, request)
            except PeopleError as error:
                sentence = await run_in_threadpool(self._sentence, error)
                return await run_in_threadpool(self._pages.show, visit, "error.html", 503, sentence=sentence)

        return endpoint

    def change(self, view: Change, back: Callable[[Request], str]) -> Endpoint:
        """Return the endpoint of a change; what is refused leads back to a page, with a sentence on it.

        Args:
            view: changes something.
            back: returns the path of that page.
        """

        async def endpoint(request: Request) -> Response:
            visit = visit_of(request)
            form = await read_form(request, visit)
            try:
                return await run_in_threadpool(view, visit, request, form)
            except PageError as error:
                return self._pages.go_to(visit, back(request), error.sentence, problem=True)
            except PeopleError as error:
                sentence = await run_in_threadpool(self._sentence, error)
                return self._pages.go_to(visit, back(request), sentence, problem=True)
            finally:
                for file in form.files:
                    await file.close()

        return endpoint

    def _sentence(self, error: PeopleError) -> Sentence:
        return sentence_of(error, self._names.known())
