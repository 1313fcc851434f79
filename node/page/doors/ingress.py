"""The door to Home Assistant's ingress: the Supervisor alone, and its administrators alone.

Ingress lets every user of Home Assistant through and names them in a header. The Supervisor drops such a header if a
browser sends it, so from the Supervisor's address it is true. Whether that user is an administrator is asked through
the Supervisor. Where that cannot be asked, the page's own password opens the door.
"""

import re
from typing import Protocol

from node.page.caller import Caller, comes_from
from node.page.doors.door import Admission, Cookie, Login, Refusal
from node.page.password import PasswordFile

SUPERVISOR = "172.30.32.2"
"""The Supervisor's address in the network of the apps."""
_BASE = re.compile(r"/api/hassio_ingress/[A-Za-z0-9_-]{1,128}")
_USER = re.compile(r"[0-9a-f]{32}")


class Users(Protocol):
    """The users of Home Assistant."""

    def is_administrator(self, user: str) -> bool | None:
        """Return whether a user is an active administrator; None if nobody can tell."""
        ...


class IngressDoor:
    """The door to Home Assistant.

    Args:
        password: of the page.
        users: of Home Assistant.
        supervisor: the address from which requests come.
    """

    name = "ingress"

    def __init__(self, password: PasswordFile, users: Users, supervisor: str = SUPERVISOR) -> None:
        self._password, self._users, self._supervisor = password, users, supervisor

    def check(self, caller: Caller) -> Admission | Refusal:
        """Return what the door says about a request."""
        if caller.peer != self._supervisor:
            return Refusal(403, "refused.not_supervisor")
        base, user = caller.header("x-ingress-path"), caller.header("x-remote-user-id")
        if not _BASE.fullmatch(base):
            return Refusal(400, "refused.ingress_path")
        administrator = self._users.is_administrator(user) if _USER.fullmatch(user) else None
        if administrator is False or (user and not _USER.fullmatch(user)):
            return Refusal(403, "refused.not_administrator")
        if administrator:
            return Admission(base, caller.path, user=user, admitted=True)
        password = self._password.read()
        return Admission(base, caller.path, secret=password.id if password else "", user=user, login=Login.PASSWORD)

    def comes_from_here(self, caller: Caller) -> bool:
        """Return whether a change comes from a page of the same site, as Home Assistant's browser sees it."""
        hosts = (caller.header("host"), caller.header("x-forwarded-host"))
        # Behind a proxy no header may name what the browser asked for; what it says about the site is still true.
        return caller.header("sec-fetch-site") == "same-origin" or comes_from(caller, hosts, ("http", "https"))

    def cookie(self, admission: Admission, caller: Caller) -> Cookie:
        """Return how the token of a session is kept: for this ingress path only."""
        secure = caller.header("x-forwarded-proto").lower() == "https"
        return Cookie("facenode", f"{admission.base}/", secure=secure)
