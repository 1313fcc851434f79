"""The door to this machine alone, also through `ssh -L`: a link that `facenode page --link` prints opens it.

Every user and many a container of a machine can connect to its loopback address, so a session is needed here too. A
browser sends a cookie of `localhost` to every port there, and so to the programs of other users. Therefore the page
stands under a path of the session's own, and the cookie is sent to this path only.
"""

import hashlib
import re
from collections.abc import Sequence

from node.page.caller import Caller, comes_from, is_loopback
from node.page.doors.door import Admission, Cookie, Login, Refusal

_HOSTS = ("localhost", "127.0.0.1", "::1")
_BASE = re.compile(r"(/[0-9a-f]{16})(/.*)")


class LoopbackDoor:
    """The door to this machine.

    Args:
        hosts: other names under which it may be asked for, such as that of a reverse proxy.
    """

    name = "loopback"

    def __init__(self, hosts: Sequence[str] = ()) -> None:
        self._hosts = frozenset((*_HOSTS, *(host.lower() for host in hosts)))

    def check(self, caller: Caller) -> Admission | Refusal:
        """Return what the door says about a request."""
        if not (is_loopback(caller.peer) and is_loopback(caller.own)):
            return Refusal(403, "refused.not_loopback")
        if caller.host not in self._hosts:
            return Refusal(421, "refused.host", caller.host)
        found = _BASE.fullmatch(caller.path)
        base, path = found.groups() if found else ("", caller.path)
        return Admission(base, path, login=Login.LINK)

    def comes_from_here(self, caller: Caller) -> bool:
        """Return whether a change comes from a page of the same site."""
        return comes_from(caller, (caller.header("host"),), ("http", "https"))

    def cookie(self, admission: Admission, caller: Caller) -> Cookie:
        """Return how the token of a session is kept."""
        del caller
        return Cookie("facenode", f"{admission.base}/", secure=False)


def base_of(token: str) -> str:
    """Return the path of a session, which says nothing about its token."""
    return f"/{hashlib.sha256(b'path' + token.encode()).hexdigest()[:16]}"
