"""The WebSocket of a Home Assistant -> results of commands, and the states of an entity as they come."""

import itertools
import json
import threading
from collections.abc import Mapping
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

_ANSWER_S = 30.0


class HomeAssistantWebSocket:
    """An authenticated connection.

    Args:
        port: Home Assistant's port on loopback.
        token: a user's access token.
    """

    def __init__(self, port: int, token: str) -> None:
        self._connection: ClientConnection = connect(f"ws://127.0.0.1:{port}/api/websocket", max_size=None)
        self._numbers = itertools.count(1)
        self.receive(_ANSWER_S)
        self._connection.send(json.dumps({"type": "auth", "access_token": token}))
        assert self.receive(_ANSWER_S)["type"] == "auth_ok"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def command(self, kind: str, **fields: object) -> Any:  # noqa: ANN401 - any JSON value
        """Send a command and return its result; fail if it is refused."""
        number = next(self._numbers)
        self._connection.send(json.dumps({"id": number, "type": kind, **fields}))
        while True:
            message = self.receive(_ANSWER_S)
            if message["id"] == number and message["type"] == "result":
                assert message["success"], message
                return message["result"]

    def receive(self, timeout_s: float | None = None) -> Any:  # noqa: ANN401 - any JSON value
        """Return the next message."""
        return json.loads(self._connection.recv(timeout_s))

    def close(self) -> None:
        """Disconnect."""
        self._connection.close()


class EventFirings:
    """Record each firing of one event entity for as long as the context lasts.

    The state of an event entity is the time of its last firing, so an entity that only becomes available again has not
    fired. Two events of the same millisecond have the same state but different ids.

    Attributes:
        attributes: the attributes of each firing, in order.
    """

    def __init__(self, socket: HomeAssistantWebSocket, entity: str) -> None:
        self._socket, self._entity = socket, entity
        self.attributes: list[Mapping[str, Any]] = []
        self._last: tuple[object, object] | None = None
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        for state in self._socket.command("get_states"):
            if state["entity_id"] == self._entity:
                self._last = _mark(state)
        self._socket.command("subscribe_events", event_type="state_changed")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._thread.join(_ANSWER_S)

    def event_types(self) -> list[str]:
        """Return the event types so far."""
        return [str(each["event_type"]) for each in self.attributes]

    def ids(self) -> list[str]:
        """Return the ids of the events so far."""
        return [str(each["id"]) for each in self.attributes]

    def _listen(self) -> None:
        while True:
            try:
                message = self._socket.receive()
            except ConnectionClosed:
                return
            data = message.get("event", {}).get("data", {})
            state = data.get("new_state")
            if data.get("entity_id") != self._entity or state is None or state["state"] in ("unknown", "unavailable"):
                continue
            if _mark(state) != self._last:
                self._last = _mark(state)
                self.attributes.append(state["attributes"])


def _mark(state: Mapping[str, Any]) -> tuple[object, object]:
    return state["state"], state["attributes"].get("id")
