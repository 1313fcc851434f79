"""The door to the network: HTTPS with the page's own certificate, and the page's password."""

from collections.abc import Callable, Sequence

from node.page.caller import Caller, comes_from
from node.page.doors.door import Admission, Cookie, Login, Refusal
from node.page.password import PasswordFile


class LanDoor:
    """The door to the network.

    Args:
        password: of the page.
        names: returns the names of the machine, which may change.
        hosts: other names or addresses under which it may be asked for.
    """

    name = "lan"

    def __init__(self, password: PasswordFile, names: Callable[[], Sequence[str]], hosts: Sequence[str] = ()) -> None:
        self._password, self._names = password, names
        self._hosts = frozenset(host.lower() for host in hosts)

    def check(self, caller: Caller) -> Admission | Refusal:
        """Return what the door says about a request.

        An address may be asked for if the connection is to this very address, so a name that leads elsewhere tomorrow
        (DNS rebinding) is of no use.
        """
        known = caller.host and (
            caller.host == caller.own or caller.host in self._hosts or caller.host in self._names()
        )
        if not known:
            return Refusal(421, "refused.host", caller.host)
        password = self._password.read()
        return Admission("", caller.path, secret=password.id if password else "", login=Login.PASSWORD)

    def comes_from_here(self, caller: Caller) -> bool:
        """Return whether a change comes from a page of the same site."""
        return comes_from(caller, (caller.header("host"),), ("https",))

    def cookie(self, admission: Admission, caller: Caller) -> Cookie:
        """Return how the token of a session is kept: `__Host-` forbids any other host to set it."""
        del admission, caller
        return Cookie("__Host-facenode", "/", secure=True)
