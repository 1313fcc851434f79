"""Taking back what was done."""

from collections.abc import Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from node.errors import PeopleError
from node.page.backend import Backend
from node.page.deeds import DoneAction, deed, done_actions
from node.page.form import Form
from node.page.ids import ACTION
from node.page.pages import Pages
from node.page.people_names import PeopleNames
from node.page.problems import PageError
from node.page.texts import say
from node.page.visit import Visit

_PATHS = ("/", "/people", "/camera", "/undo")


class UndoLine:
    """What can be undone, for the line at the bottom of each page.

    Args:
        backend: asks the node.
        names: of the people.
    """

    def __init__(self, backend: Backend, names: PeopleNames) -> None:
        self._backend, self._names = backend, names

    def __call__(self) -> Sequence[DoneAction]:
        """Return the actions, the latest first; none if nobody can tell."""
        try:
            listed: list[Any] = self._backend.ask("people_undo_list")
        except PeopleError:
            return ()
        return done_actions(listed, self._names.known()) if listed else ()


class UndoViews:
    """Show and undo actions.

    Args:
        backend: asks the node.
        names: of the people.
        pages: renders what is shown.
        actions: returns what can be undone.
    """

    def __init__(
        self, backend: Backend, names: PeopleNames, pages: Pages, actions: Callable[[], Sequence[DoneAction]]
    ) -> None:
        self._backend, self._names, self._pages, self._actions = backend, names, pages, actions

    def show(self, visit: Visit, request: Request) -> Response:
        """Return the page with everything that can be undone."""
        del request
        return self._pages.show(visit, "undo.html", page="undo", actions=self._actions())

    def undo(self, visit: Visit, request: Request, form: Form) -> Response:
        """Undo an action, and go back to the page where it was asked for."""
        del request
        action = form.value("action", ACTION.fullmatch)
        if not action:
            raise PageError(say("error.form"))
        names = self._names.known()
        done = self._backend.ask("people_undo", action=action)
        back = form.value("back")
        return self._pages.go_to(
            visit,
            back if back in _PATHS else "/",
            say("done.undone", what=deed(done, {**names, **self._names.known()})),
        )
