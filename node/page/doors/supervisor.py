"""The Supervisor of Home Assistant -> who is an administrator, asked over Core's WebSocket and remembered briefly."""

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

_URL = "ws://supervisor/core/websocket"
_ADMINISTRATORS = "system-admin"
_REMEMBER_S, _RETRY_S, _WAIT_S = 60.0, 10.0, 5.0
_MAX_BYTES = 4 << 20

_log = logging.getLogger(__name__)


class SupervisorUsers:
    """The users that Home Assistant's Core lists to an app with `homeassistant_api`.

    Args:
        token: of the app, from SUPERVISOR_TOKEN; without one nobody can be asked.
        url: of the Supervisor's way to Core.
        mono_s: seconds of the monotonic clock.
    """

    def __init__(self, token: str, url: str = _URL, mono_s: Callable[[], float] = time.monotonic) -> None:
        self._token, self._url, self._mono_s = token, url, mono_s
        self._lock = threading.Lock()
        self._administrators: frozenset[str] | None = None
        self._until_s = float("-inf")
        self._failed = False

    def is_administrator(self, user: str) -> bool | None:
        """Return whether a user is an active administrator, as it was at most a minute ago; None if nobody can tell."""
        with self._lock:
            if self._mono_s() >= self._until_s:
                self._administrators = self._ask()
                self._until_s = self._mono_s() + (_RETRY_S if self._administrators is None else _REMEMBER_S)
            return None if self._administrators is None else user in self._administrators

    def _ask(self) -> frozenset[str] | None:
        """Return who is an administrator; None if that was not answered."""
        try:
            found = frozenset(str(user["id"]) for user in _listed(self._url, self._token) if _is_administrator(user))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            if not self._failed:
                _log.warning(
                    "page: Home Assistant does not say who is an administrator (%s): the page asks for its password",
                    error,
                )
            self._failed = True
            return None
        self._failed = False
        return found


def _listed(url: str, token: str) -> Any:  # noqa: ANN401 - whatever Core answers
    """Return Core's list of users.

    Raises:
        OSError: Core cannot be reached.
        ValueError: it refuses, or answers nonsense.
    """
    from websockets.exceptions import WebSocketException  # noqa: PLC0415 - at this door only
    from websockets.sync.client import connect  # noqa: PLC0415

    if not token:
        raise ValueError("there is no SUPERVISOR_TOKEN")
    try:
        with connect(url, proxy=None, open_timeout=_WAIT_S, close_timeout=1.0, max_size=_MAX_BYTES) as socket:
            json.loads(socket.recv(_WAIT_S))
            socket.send(json.dumps({"type": "auth", "access_token": token}))
            if json.loads(socket.recv(_WAIT_S))["type"] != "auth_ok":
                raise ValueError("it refuses the app's token: the app needs homeassistant_api")
            socket.send(json.dumps({"id": 1, "type": "config/auth/list"}))
            answer = json.loads(socket.recv(_WAIT_S))
            if not answer.get("success"):
                raise ValueError("it does not list its users")
            return answer["result"]
    except (WebSocketException, TimeoutError) as error:
        raise ValueError(str(error) or type(error).__name__) from error


def _is_administrator(user: Mapping[str, Any]) -> bool:
    groups = user.get("group_ids")
    listed = isinstance(groups, list) and _ADMINISTRATORS in groups
    return bool(user.get("is_active")) and (bool(user.get("is_owner")) or listed)
