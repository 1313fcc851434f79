"""What Home Assistant is told of a node."""

import json
from typing import Any

import pytest

from node.contract import schema
from node.mqtt.commands import Verb, parse
from node.mqtt.homeassistant import Device, discovery
from node.mqtt.topics import Topics

TOPICS = Topics("pi-0a1b2c")
DEVICE = Device("Front door", "Hall", "0.3.0", rules=("crowd",), verbs=tuple(Verb))
ROOT_KEYS = {"dev", "o", "cmps", "availability", "availability_mode", "qos"}


@pytest.fixture
def told() -> dict[str, Any]:
    """Return the payload of a node in the hall."""
    payload: dict[str, Any] = json.loads(discovery(TOPICS, DEVICE))
    return payload


def test_no_root_key_is_unknown(told: dict[str, Any]) -> None:
    """Home Assistant refuses the whole payload for one root key that it does not know."""
    assert set(told) == ROOT_KEYS
    assert set(told["dev"]) == {"ids", "name", "mf", "sw", "sa"}
    assert set(told["o"]) == {"name", "sw"}


def test_every_component_is_whole(told: dict[str, Any]) -> None:
    """Platform, unique id, entity id with its domain and QoS 1, or it is refused, renamed or read at QoS 0."""
    for component in told["cmps"].values():
        domain, _, name = component["default_entity_id"].partition(".")
        assert domain == component["p"]
        assert "-" not in name
        assert component["qos"] == 1
    unique = [component["unique_id"] for component in told["cmps"].values()]
    assert len(set(unique)) == len(unique)


def test_event_entities_are_available_by_status_alone(told: dict[str, Any]) -> None:
    """An event that comes while its entity is unavailable never fires."""
    events = [component for component in told["cmps"].values() if component["p"] == "event"]
    assert len(events) == 2
    assert all("availability" not in component and "expire_after" not in component for component in events)
    assert told["availability"] == [{"topic": TOPICS.status}]


def test_what_comes_from_health_expires(told: dict[str, Any]) -> None:
    """A node that hangs but stays connected must not show old figures for ever."""
    health = [component for component in told["cmps"].values() if component.get("state_topic") == TOPICS.health]
    assert len(health) >= 10
    assert all(component["expire_after"] == 100 for component in health)


def test_every_field_that_is_read_is_in_the_contract(told: dict[str, Any]) -> None:
    """A template that reads a missing field is an error in Home Assistant's log every 30 seconds."""
    for component in told["cmps"].values():
        template = component.get("value_template", "")
        if template:
            field = template.split("value_json.")[1].split()[0]
            name = "state" if component["state_topic"] == TOPICS.state else "health"
            assert field in schema(name)["required"]


def test_the_keys_stay_as_they_are(told: dict[str, Any]) -> None:
    """A key that is renamed with the same unique id is refused, so this list only ever grows."""
    assert set(told["cmps"]) >= {
        "event", "alert", "count", "camera", "cpu", "throttled", "fps", "p50", "p95", "rss",
        "outbox", "dropped", "rejected", "model", "clock", "cert", "uptime",
        "privacy", "recognition", "restart",
    }  # fmt: skip


def test_a_node_without_an_area_or_rules_says_nothing_of_them() -> None:
    """An empty suggested area is none, and an event entity without types is refused."""
    told = json.loads(discovery(TOPICS, Device("Front door", "", "0.3.0")))
    assert "sa" not in told["dev"]
    assert "alert" not in told["cmps"]


def test_switches_ask_by_a_request_that_the_node_takes(told: dict[str, Any]) -> None:
    """What a switch sends must be what `request/<verb>` wants, and its state what `state` tells."""
    for verb in ("privacy", "recognition"):
        switch = told["cmps"][verb]
        assert switch["command_topic"] == TOPICS.request(verb)
        sent = json.loads(
            switch["command_template"].replace("{{ value }}", "on").replace("{{ now().timestamp() }}", "1.5")
        )
        assert parse(verb, sent["transaction"], sent).on is True
    assert told["cmps"]["restart"]["command_topic"] == TOPICS.request("restart")


def test_a_node_that_takes_no_requests_offers_no_switches() -> None:
    """A dead switch is worse than none."""
    told = json.loads(discovery(TOPICS, Device("Front door", "", "0.3.0")))
    assert not {"privacy", "recognition", "restart"} & set(told["cmps"])


def test_a_throttling_that_is_not_known_is_unknown(told: dict[str, Any]) -> None:
    """`None` is what Home Assistant takes for unknown; OFF would say that all is well."""
    template = told["cmps"]["throttled"]["value_template"]
    assert template.startswith("{{ None if value_json.throttled is none else ")
