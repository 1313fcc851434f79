"""What is known of a request when it has passed the door: who asks, in which language, and with which session."""

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from node.page.caller import Caller
from node.page.doors.door import Admission
from node.page.sessions import form_token
from node.page.texts import Texts

_KEY = "facenode.visit"


@dataclass(frozen=True, slots=True)
class Visit:
    """A request that has passed the door.

    Attributes:
        caller: who asks.
        admission: what the door says.
        texts: in the language of whoever looks.
        token: of the session; empty without one.
    """

    caller: Caller
    admission: Admission
    texts: Texts
    token: str = field(default="", repr=False)

    @property
    def base(self) -> str:
        """The path under which the page's own paths stand."""
        return self.admission.base

    @property
    def form_token(self) -> str:
        """What each form of this session carries."""
        return form_token(self.token)

    def keep(self, scope: MutableMapping[str, Any]) -> None:
        """Give it to whoever handles the request."""
        scope[_KEY] = self


def visit_of(request: Request) -> Visit:
    """Return what is known of a request."""
    found = request.scope[_KEY]
    assert isinstance(found, Visit)  # noqa: S101 - the guard has put it there
    return found
