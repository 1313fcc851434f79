"""What a fleet's NATS servers keep for absent subscribers, and for how many: created, changed or left alone."""

from collections.abc import Mapping
from typing import Any

import bound_messages
import pytest

WANTED = {"max_bytes": 1000, "max_consumers": 3000}


class Server(bound_messages.Server):
    """A server that knows the stream, or not."""

    def __init__(self, info: Mapping[str, Any], answer: Mapping[str, Any] | None = None) -> None:
        self._info, self._answer = info, answer or {}
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    def ask(self, verb: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Keep what changes the stream, and answer."""
        if verb == "INFO":
            return dict(self._info)
        self.asked.append((verb, body or {}))
        return dict(self._answer)


def test_a_stream_that_is_not_there_is_created_with_three_copies() -> None:
    """Before the first MQTT client connects, after which the server would create it without bounds."""
    server = Server({"error": {"err_code": 10059, "description": "stream not found"}})
    assert bound_messages.bound(server, WANTED)
    ((verb, config),) = server.asked
    assert (verb, config["num_replicas"]) == ("CREATE", 3)
    assert config.items() >= WANTED.items()


def test_a_stream_with_other_bounds_is_changed_and_keeps_the_rest() -> None:
    """A changed variable of the role takes effect at the next run."""
    server = Server({"config": {"name": "$MQTT_msgs", "max_bytes": 1, "max_consumers": 3000}})
    assert bound_messages.bound(server, WANTED)
    assert server.asked == [("UPDATE", {"name": "$MQTT_msgs", **WANTED})]


def test_a_stream_with_these_bounds_is_left_alone() -> None:
    """A second run changes nothing."""
    server = Server({"config": {"name": "$MQTT_msgs", **WANTED}})
    assert not bound_messages.bound(server, WANTED)
    assert server.asked == []


@pytest.mark.parametrize("info", [{"error": {"err_code": 10008, "description": "no leader"}}, {"config": {}}])
def test_a_refusal_says_what_the_server_says(info: Mapping[str, Any]) -> None:
    """The cluster is still forming, or does not take the bounds."""
    with pytest.raises(bound_messages.StreamError, match="no leader"):
        bound_messages.bound(Server(info, {"error": {"description": "no leader"}}), WANTED)
