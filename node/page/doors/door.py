"""What every door has: who may come to it, how they log in, and how their cookie is kept.

The rules that all doors share stand here; each door adds its own.

1. Whoever the door does not know gets no answer but a refusal: another address, another host, another path.
2. Nothing is shown or changed without a session. A session is good for one door, and for the secret that opened it.
3. A change must come from a page of the same site.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from node.page.caller import Caller
from node.page.sessions import LASTS_S, Session


class Login(StrEnum):
    """How somebody without a session gets one."""

    LINK = "link"
    PASSWORD = "password"  # noqa: S105 - the name of a way, no password
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused at the door.

    Attributes:
        status: of HTTP.
        text: the key of the sentence that says why.
        value: what the sentence names.
    """

    status: int
    text: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Admission:
    """What a door says about a request that it does not refuse.

    Attributes:
        base: the path under which the page's own paths stand, such as an ingress path; empty for none.
        path: what follows it.
        secret: the secret with which a session must have been opened.
        user: who asks, as Home Assistant says; empty where nobody says so.
        admitted: whether this user needs no login.
        login: how to get a session otherwise.
    """

    base: str
    path: str
    secret: str = ""
    user: str = ""
    admitted: bool = False
    login: Login = Login.NONE

    def fits(self, session: Session) -> bool:
        """Return whether a session is this user's."""
        return session.user == self.user


@dataclass(frozen=True, slots=True)
class Cookie:
    """How the token of a session is kept by a browser.

    Attributes:
        name: of the cookie.
        path: where it is sent.
        secure: whether it is sent over HTTPS only.
    """

    name: str
    path: str
    secure: bool

    def header(self, token: str) -> str:
        """Return the header that sets it; an empty token removes it."""
        age = int(LASTS_S) if token else 0
        secure = "; Secure" if self.secure else ""
        return f"{self.name}={token}; Max-Age={age}; Path={self.path}; HttpOnly; SameSite=Strict{secure}"

    def token(self, caller: Caller) -> str:
        """Return the token that a request carries; empty if it carries none, or several."""
        pairs = (part.strip().partition("=") for part in caller.header("cookie").replace(",", ";").split(";"))
        found = {value for name, _, value in pairs if name == self.name and value}
        return found.pop() if len(found) == 1 else ""


class Door(Protocol):
    """A way to the page."""

    @property
    def name(self) -> str:
        """As in the settings."""
        ...

    def check(self, caller: Caller) -> Admission | Refusal:
        """Return what the door says about a request. It may wait for an answer: call it on a thread.

        Raises:
            OSError: the disk cannot be read.
        """
        ...

    def comes_from_here(self, caller: Caller) -> bool:
        """Return whether a change comes from a page of the same site."""
        ...

    def cookie(self, admission: Admission, caller: Caller) -> Cookie:
        """Return how the token of a session is kept."""
        ...
