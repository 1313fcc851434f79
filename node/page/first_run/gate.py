"""The code, typed into a browser -> a session for this browser alone; the door to the network for the first run."""

import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from node.page.caller import Caller
from node.page.doors.door import Admission, Cookie, Login, Refusal
from node.page.doors.lan import LanDoor
from node.page.password import PasswordFile
from node.setup.code import Attempt, CodeState


class CodeGate:
    """The code and who may use it; call it from any thread.

    Args:
        state: what is kept of the code.
        mono_s: seconds of the monotonic clock.
    """

    def __init__(self, state: CodeState, mono_s: Callable[[], float]) -> None:
        self._state, self._mono_s = state, mono_s
        self._lock = threading.Lock()
        self.code = ""
        """As it was typed, to be handed over with the answers; empty until it was right."""

    @property
    def id(self) -> str:
        """Of the code."""
        return self._state.id

    @property
    def browser(self) -> str:
        """What stands for the browser that typed the code; empty until one has."""
        return self._state.browser

    def attempt(self, code: str) -> Attempt:
        """Try a code for a browser that has no session yet, and so is another one than whoever has begun."""
        with self._lock:
            self._state, attempt = self._state.attempt(code, secrets.token_hex(32), self._mono_s())
            if attempt is Attempt.ACCEPTED:
                self.code = code
            return attempt


class FirstRunDoor:
    """The door to the network, with the code in place of the password.

    Args:
        gate: the code.
        password: of the page, which the first run does not use.
        names: returns the names of the machine.
    """

    name = "first_run"

    def __init__(self, gate: CodeGate, password: PasswordFile, names: Callable[[], Sequence[str]]) -> None:
        self._gate, self._lan = gate, LanDoor(password, names)

    def check(self, caller: Caller) -> Admission | Refusal:
        """Return what the door says about a request: as the door to the network, but with the code."""
        found = self._lan.check(caller)
        return found if isinstance(found, Refusal) else replace(found, secret=self._gate.id, login=Login.CODE)

    def comes_from_here(self, caller: Caller) -> bool:
        """Return whether a change comes from a page of the same site."""
        return self._lan.comes_from_here(caller)

    def cookie(self, admission: Admission, caller: Caller) -> Cookie:
        """Return how the token of a session is kept."""
        return self._lan.cookie(admission, caller)
