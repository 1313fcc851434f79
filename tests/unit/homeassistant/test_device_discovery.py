"""What Home Assistant is told of a node."""

import json
import re
from typing import Any

import pytest

from node.contract import schema
from node.contract.topics import Topics
from node.homeassistant.discovery import Device, discovery, parts
from node.homeassistant.entity_keys import Resident
from node.requests.request import EnrollPerson, SetPrivacy, SetRecognition, Verb, parse

TOPICS = Topics("pi-0a1b2c")
DEVICE = Device("Front door", "Hall", "0.3.0", rules=("crowd",), verbs=tuple(Verb), snapshots=True)
ADA, ZOE = Resident("0" * 12, "ada", "Ada Lovelace"), Resident("1" * 12, "zoe-m", "Zoë Müller")
ROOT_KEYS = {"dev", "o", "cmps", "availability", "availability_mode", "qos"}


@pytest.fixture
def told() -> dict[str, Any]:
    """Return the payload of a node in the hall."""
    payload: dict[str, Any] = json.loads(discovery(TOPICS, DEVICE, (ADA, ZOE)))
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
        name = "state" if component.get("state_topic") == TOPICS.state else "health"
        for field in re.findall(r"value_json\.(\w+)", component.get("value_template", "")):
            assert field in schema(name)["required"]


def test_the_keys_stay_as_they_are(told: dict[str, Any]) -> None:
    """A key that is renamed with the same unique id is refused, so this list only ever grows."""
    assert set(told["cmps"]) >= {
        "event", "alert", "count", "camera", "cpu", "throttled", "fps", "p50", "p95", "rss",
        "outbox", "dropped", "rejected", "model", "clock", "cert", "uptime",
        "privacy", "recognition", "restart", "occupancy", "last_person", "enroll", "snapshot",
        f"person_{ADA.key}", f"seen_{ADA.key}",
    }  # fmt: skip


def test_the_picture_is_there_only_where_pictures_are_sent(told: dict[str, Any]) -> None:
    """It is a JPEG as it is, from whatever event; it stays when the camera goes, so it needs `status` alone."""
    picture = told["cmps"]["snapshot"]
    assert (picture["p"], picture["image_topic"], picture["content_type"]) == (
        "image", f"{TOPICS.base}/snapshot/+", "image/jpeg"
    )  # fmt: skip
    assert not {"availability", "encoding", "image_encoding", "url_topic"} & set(picture)
    assert "snapshot" not in json.loads(discovery(TOPICS, Device("Front door", "", "0.3.0")))["cmps"]


def test_what_a_setting_turns_off_is_a_platform_alone_and_a_ghost_is_whole() -> None:
    """As with people: an entity that is no longer offered must go, also where Home Assistant was down."""
    plain, gone = Device("Front door", "", "0.3.0"), ("alert", "enroll", "snapshot")
    assert parts(plain) == ()
    assert parts(DEVICE) == gone
    removed = json.loads(discovery(TOPICS, plain, (), gone))["cmps"]
    whole = json.loads(discovery(TOPICS, plain, (), gone, whole=True))["cmps"]
    for key, platform in zip(gone, ("event", "text", "image"), strict=True):
        assert removed[key] == {"p": platform}
        assert whole[key]["unique_id"] == f"facenode_{TOPICS.node}_{key}"
        assert whole[key]["default_entity_id"].startswith(f"{platform}.")


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
        assert parse(verb, sent) in (SetPrivacy(on=True), SetRecognition(on=True))
    assert told["cmps"]["restart"]["command_topic"] == TOPICS.request("restart")


def test_a_node_that_takes_no_requests_offers_no_switches() -> None:
    """A dead switch is worse than none."""
    told = json.loads(discovery(TOPICS, Device("Front door", "", "0.3.0")))
    assert not {"privacy", "recognition", "restart"} & set(told["cmps"])


def test_a_throttling_that_is_not_known_is_unknown(told: dict[str, Any]) -> None:
    """`None` is what Home Assistant takes for unknown; OFF would say that all is well."""
    template = told["cmps"]["throttled"]["value_template"]
    assert template.startswith("{{ none if value_json.throttled is none else ")


def test_people_are_called_by_their_names_and_their_keys_do_not_tell_them(told: dict[str, Any]) -> None:
    """Names and entity ids are for people to read; a key stays when its person is erased."""
    person, seen = told["cmps"][f"person_{ZOE.key}"], told["cmps"][f"seen_{ZOE.key}"]
    assert (person["p"], person["name"], person["device_class"]) == ("binary_sensor", "Zoë Müller", "occupancy")
    assert person["default_entity_id"] == "binary_sensor.pi_0a1b2c_person_zoe_m"
    assert (seen["p"], seen["name"], seen["device_class"]) == ("sensor", "Zoë Müller last seen", "timestamp")
    assert "'zoe-m'" in person["value_template"]
    assert "'zoe-m'" in seen["value_template"]
    assert "zoe" not in person["unique_id"] + seen["unique_id"]


def test_who_is_gone_is_a_platform_alone_and_a_ghost_has_no_name() -> None:
    """The retained payload removes the entities; the one before it makes them known, and neither says whose."""
    removed = json.loads(discovery(TOPICS, DEVICE, (ADA,), (ZOE.key,)))["cmps"]
    whole = json.loads(discovery(TOPICS, DEVICE, (ADA,), (ZOE.key,), whole=True))["cmps"]
    assert set(removed) == set(whole)
    for kind, platform in (("person", "binary_sensor"), ("seen", "sensor")):
        key = f"{kind}_{ZOE.key}"
        assert removed[key] == {"p": platform}
        assert whole[key]["unique_id"] == f"facenode_{TOPICS.node}_{key}"
        assert (whole[key]["p"], whole[key]["name"]) == (platform, "Removed")
        assert removed[f"{kind}_{ADA.key}"] == whole[f"{kind}_{ADA.key}"]


def test_what_shows_the_view_is_unavailable_without_a_camera(told: dict[str, Any]) -> None:
    """A camera that is lost must not look like an empty room; what was last seen stays true."""
    camera = {
        component["unique_id"].split("_", 2)[2] for component in told["cmps"].values() if "availability" in component
    }
    assert camera == {"count", "occupancy", "enroll", f"person_{ADA.key}", f"person_{ZOE.key}"}
    for key in ("count", "enroll", f"person_{ADA.key}"):
        assert [each["topic"] for each in told["cmps"][key]["availability"]] == [TOPICS.status, TOPICS.health]


def test_enrolment_asks_by_a_request_that_the_node_takes_and_refuses_bad_ids(told: dict[str, Any]) -> None:
    """What the text field sends is `people_enroll` with a transaction; what is no id is not sent."""
    text = told["cmps"]["enroll"]
    assert text["command_topic"] == TOPICS.request("people_enroll")
    sent = json.loads(
        text["command_template"].replace("{{ value | to_json }}", '"ada"').replace("{{ now().timestamp() }}", "1.5")
    )
    assert parse("people_enroll", sent) == EnrollPerson("ada")
    for good in ("ada", "zoe-m", "9", "unknown-2", "a" * 32):
        assert re.match(text["pattern"], good)
    for bad in ("", "Ada", "zoë", "-a", "a b", "unknown", 'a"', "a" * 33):
        assert not re.match(text["pattern"], bad)


def test_what_no_class_gives_an_icon_has_one_of_its_own(told: dict[str, Any]) -> None:
    """Else a page of entities is a column of the same eye; `enum` gives none."""
    for component in told["cmps"].values():
        assert ("icon" in component) == (component.get("device_class") in (None, "enum"))


def test_what_changes_with_every_message_is_off_until_wanted(told: dict[str, Any]) -> None:
    """Home Assistant records each state of each entity that is on."""
    off = {key for key, component in told["cmps"].items() if component.get("enabled_by_default") is False}
    assert off == {"fps", "p50", "rss", "cert", "uptime"}
    assert all(told["cmps"][key]["entity_category"] == "diagnostic" for key in off)
