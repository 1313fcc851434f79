"""How topics are called."""

from node.contract.topics import Kind, Topics

TOPICS = Topics("pi-1", "homeassistant")


def test_topics_are_those_of_the_contract() -> None:
    """Every name stands in the contract's table."""
    assert TOPICS.client_id == "facenode-pi-1"
    assert [TOPICS.status, TOPICS.state, TOPICS.health] == [
        "facenode/pi-1/status",
        "facenode/pi-1/state",
        "facenode/pi-1/health",
    ]
    assert TOPICS.message(Kind.EVENT, "unknown") == "facenode/pi-1/event/unknown"
    assert TOPICS.message(Kind.ALERT, "night", late=True) == "facenode/pi-1/late/alert/night"
    assert TOPICS.discovery == "homeassistant/device/facenode/pi-1/config"
    assert TOPICS.birth == "homeassistant/status"
    assert TOPICS.response("check") == "facenode/pi-1/response/check"


def test_only_a_request_to_this_node_has_a_verb() -> None:
    """Levels below the verb, other nodes and empty verbs name nothing."""
    assert TOPICS.verb(TOPICS.request("check")) == "check"
    assert TOPICS.verb("facenode/pi-1/request/check/1f") is None
    assert TOPICS.verb("facenode/pi-1/request/") is None
    assert TOPICS.verb("facenode/pi-2/request/check") is None
    assert TOPICS.verb("facenode/pi-1/status") is None
