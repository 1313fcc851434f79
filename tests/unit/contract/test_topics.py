"""The names of topics."""

import pytest

from node.contract.topics import Kind, Topics, kind_and_name

TOPICS = Topics("pi-1", "homeassistant")


def test_topics_are_those_of_the_contract() -> None:
    """Every name is in the table of the contract."""
    assert TOPICS.client_id == "facenode-pi-1"
    assert [TOPICS.status, TOPICS.state, TOPICS.health] == [
        "facenode/pi-1/status",
        "facenode/pi-1/state",
        "facenode/pi-1/health",
    ]
    assert TOPICS.message(Kind.EVENT, "unknown") == "facenode/pi-1/event/unknown"
    assert TOPICS.message(Kind.ALERT, "night", late=True) == "facenode/pi-1/late/alert/night"
    assert TOPICS.discovery == "homeassistant/device/facenode/pi-1/config"
    assert TOPICS.births[0] == "homeassistant/status"
    assert TOPICS.response("check") == "facenode/pi-1/response/check"


def test_only_a_request_to_this_node_has_a_verb() -> None:
    """Levels below the verb, other nodes and empty verbs do not count."""
    assert TOPICS.verb(TOPICS.request("check")) == "check"
    assert TOPICS.verb("facenode/pi-1/request/check/1f") is None
    assert TOPICS.verb("facenode/pi-1/request/") is None
    assert TOPICS.verb("facenode/pi-2/request/check") is None
    assert TOPICS.verb("facenode/pi-1/status") is None


@pytest.mark.parametrize("late", [False, True])
def test_a_topic_gives_back_its_kind_and_name(late: bool) -> None:  # noqa: FBT001 - a table
    """The outbox stores kind and name; a node called `late` or `event` does not confuse them."""
    for node in ("pi-1", "late", "event"):
        topic = Topics(node).message(Kind.ALERT, "night-stranger", late=late)
        assert kind_and_name(topic) == (Kind.ALERT, "night-stranger")
