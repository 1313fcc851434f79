"""The payload from which Home Assistant makes the device and its entities."""

import json
import re
from typing import Any

import pytest
from rendered_template import render

from node.contract import schema
from node.contract.topics import Topics
from node.homeassistant.discovery import Device, discovery, optional_components
from node.homeassistant.entity_keys import KeyedPerson
from node.requests.request import EnrollPerson, SetPrivacy, SetRecognition, parse
from node.requests.verb import Verb

TOPICS = Topics("pi-0a1b2c")
DEVICE = Device(
    "Front door", "Hall", "0.3.0", "mobilefacenet.int8", "Raspberry Pi 5 Model B Rev 1.0",
    rules=("crowd",), verbs=tuple(Verb), snapshots=True,
)  # fmt: skip
ADA, ZOE = KeyedPerson("0" * 12, "ada", "Ada Lovelace"), KeyedPerson("1" * 12, "zoe-m", "Zoë Müller")
ROOT_KEYS = {"dev", "o", "cmps", "availability", "availability_mode", "qos"}


@pytest.fixture
def payload() -> dict[str, Any]:
    """Return the payload of a node that offers everything."""
    payload: dict[str, Any] = json.loads(discovery(TOPICS, DEVICE, (ADA, ZOE)))
    return payload


def entities(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the components that are entities: triggers are not."""
    return [component for component in payload["cmps"].values() if component["p"] != "device_automation"]


def test_every_root_key_is_known_to_home_assistant(payload: dict[str, Any]) -> None:
    """Home Assistant rejects the whole payload if it has one unknown root key."""
    assert set(payload) == ROOT_KEYS
    assert set(payload["dev"]) == {"ids", "name", "mf", "sw", "sa", "mdl", "hw"}
    assert set(payload["o"]) == {"name", "sw"}


def test_every_component_has_its_ids_platform_and_qos(payload: dict[str, Any]) -> None:
    """A component without them is rejected, gets another entity id, or is subscribed to at QoS 0."""
    for component in entities(payload):
        domain, _, name = component["default_entity_id"].partition(".")
        assert domain == component["p"]
        assert "-" not in name
        assert component["qos"] == 1
    unique = [component["unique_id"] for component in entities(payload)]
    assert len(set(unique)) == len(unique)


def test_event_entities_depend_on_status_alone(payload: dict[str, Any]) -> None:
    """An event that arrives while its entity is unavailable never fires."""
    events = [component for component in payload["cmps"].values() if component["p"] == "event"]
    assert len(events) == 2
    assert all("availability" not in component and "expire_after" not in component for component in events)
    assert payload["availability"] == [{"topic": TOPICS.status}]


def test_values_from_health_expire(payload: dict[str, Any]) -> None:
    """A node that hangs but stays connected must not show old values forever."""
    health = [component for component in payload["cmps"].values() if component.get("state_topic") == TOPICS.health]
    assert len(health) >= 10
    assert all(component["expire_after"] == 100 for component in health)


def test_templates_read_only_fields_of_the_contract(payload: dict[str, Any]) -> None:
    """A template that reads a missing field logs an error in Home Assistant every 30 seconds."""
    for component in entities(payload):
        name = "state" if component.get("state_topic") == TOPICS.state else "health"
        for field in re.findall(r"value_json\.(\w+)", component.get("value_template", "")):
            assert field in schema(name)["required"]


def test_no_key_is_ever_renamed(payload: dict[str, Any]) -> None:
    """Home Assistant rejects a new key with an old unique id, so this list only grows."""
    assert set(payload["cmps"]) >= {
        "event", "alert", "count", "camera", "cpu", "throttled", "fps", "p50", "p95", "rss",
        "outbox", "dropped", "rejected", "model", "clock", "cert", "uptime",
        "privacy", "recognition", "restart", "occupancy", "last_person", "enroll", "snapshot",
        f"person_{ADA.key}", f"seen_{ADA.key}", "last_person_name", "snooze_crowd",
    }  # fmt: skip


def test_the_snapshot_is_offered_only_if_snapshots_are_sent(payload: dict[str, Any]) -> None:
    """It is the plain JPEG of any event. It stays valid while the camera is lost, so it depends on `status` alone."""
    snapshot = payload["cmps"]["snapshot"]
    assert (snapshot["p"], snapshot["image_topic"], snapshot["content_type"]) == (
        "image", f"{TOPICS.base}/snapshot/+", "image/jpeg"
    )  # fmt: skip
    assert not {"availability", "encoding", "image_encoding", "url_topic"} & set(snapshot)
    assert "snapshot" not in json.loads(discovery(TOPICS, Device("Front door", "", "0.3.0")))["cmps"]


def test_a_component_turned_off_is_removed_by_its_platform_alone_after_a_placeholder() -> None:
    """Its entity must go, even if Home Assistant was down when the setting changed."""
    plain, keys = Device("Front door", "", "0.3.0"), ("alert", "enroll", "snapshot")
    assert optional_components(plain) == ()
    assert optional_components(DEVICE) == keys
    removals = json.loads(discovery(TOPICS, plain, (), keys))["cmps"]
    placeholders = json.loads(discovery(TOPICS, plain, (), keys, with_placeholders=True))["cmps"]
    for key, platform in zip(keys, ("event", "text", "image"), strict=True):
        assert removals[key] == {"p": platform}
        assert placeholders[key]["unique_id"] == f"facenode_{TOPICS.node}_{key}"
        assert placeholders[key]["default_entity_id"].startswith(f"{platform}.")


def test_a_node_without_area_or_rules_leaves_them_out() -> None:
    """An empty area is no area, and Home Assistant rejects an event entity without types."""
    payload = json.loads(discovery(TOPICS, Device("Front door", "", "0.3.0")))
    assert not {"sa", "mdl", "hw"} & set(payload["dev"])
    assert "alert" not in payload["cmps"]


def test_switches_send_requests_that_the_node_accepts(payload: dict[str, Any]) -> None:
    """A switch sends a valid `request/<verb>`, and the button goes to its request topic."""
    for verb in ("privacy", "recognition"):
        switch = payload["cmps"][verb]
        assert switch["command_topic"] == TOPICS.request(verb)
        sent = json.loads(
            switch["command_template"].replace("{{ value }}", "on").replace("{{ now().timestamp() }}", "1.5")
        )
        assert parse(verb, sent) in (SetPrivacy(on=True), SetRecognition(on=True))
    assert payload["cmps"]["restart"]["command_topic"] == TOPICS.request("restart")


def test_a_node_that_accepts_no_requests_offers_no_controls() -> None:
    """A switch that does nothing is worse than none."""
    payload = json.loads(discovery(TOPICS, Device("Front door", "", "0.3.0")))
    assert not {"privacy", "recognition", "restart"} & set(payload["cmps"])


def test_unreported_throttling_is_unknown(payload: dict[str, Any]) -> None:
    """Home Assistant shows `None` as unknown; OFF would mean that there is no problem."""
    template = payload["cmps"]["throttled"]["value_template"]
    assert template.startswith("{{ none if value_json.throttled is none else ")


def test_people_have_readable_names_and_entity_ids_and_anonymous_unique_ids(payload: dict[str, Any]) -> None:
    """The unique id is kept after its person is removed, so it must not name them."""
    person, seen = payload["cmps"][f"person_{ZOE.key}"], payload["cmps"][f"seen_{ZOE.key}"]
    assert (person["p"], person["name"], person["device_class"]) == ("binary_sensor", "Zoë Müller", "occupancy")
    assert person["default_entity_id"] == "binary_sensor.pi_0a1b2c_person_zoe_m"
    assert (seen["p"], seen["name"], seen["device_class"]) == ("sensor", "Zoë Müller last seen", "timestamp")
    assert "'zoe-m'" in person["value_template"]
    assert "'zoe-m'" in seen["value_template"]
    assert "zoe" not in person["unique_id"] + seen["unique_id"]


def test_a_removed_person_is_a_platform_alone_and_the_placeholder_names_nobody() -> None:
    """The payload before makes the entities known, the retained one removes them, and neither says whose they were."""
    removals = json.loads(discovery(TOPICS, DEVICE, (ADA,), (ZOE.key,)))["cmps"]
    placeholders = json.loads(discovery(TOPICS, DEVICE, (ADA,), (ZOE.key,), with_placeholders=True))["cmps"]
    assert set(removals) == set(placeholders)
    for kind, platform in (("person", "binary_sensor"), ("seen", "sensor")):
        key = f"{kind}_{ZOE.key}"
        assert removals[key] == {"p": platform}
        assert placeholders[key]["unique_id"] == f"facenode_{TOPICS.node}_{key}"
        assert (placeholders[key]["p"], placeholders[key]["name"]) == (platform, "Removed")
        assert removals[f"{kind}_{ADA.key}"] == placeholders[f"{kind}_{ADA.key}"]


def test_entities_of_the_view_are_unavailable_without_a_camera(payload: dict[str, Any]) -> None:
    """A lost camera must not look like an empty room. Who was last seen stays available."""
    unavailable = {
        component["unique_id"].split("_", 2)[2] for component in entities(payload) if "availability" in component
    }
    assert unavailable == {"count", "occupancy", "enroll", f"person_{ADA.key}", f"person_{ZOE.key}"}
    for key in ("count", "enroll", f"person_{ADA.key}"):
        assert [each["topic"] for each in payload["cmps"][key]["availability"]] == [TOPICS.status, TOPICS.health]


def test_the_enrollment_field_sends_a_request_that_the_node_accepts_and_rejects_invalid_ids(
    payload: dict[str, Any],
) -> None:
    """The field sends `people_enroll` with a transaction, and nothing for an invalid id."""
    text = payload["cmps"]["enroll"]
    assert (text["unique_id"], text["default_entity_id"]) == ("facenode_pi-0a1b2c_enroll", "text.pi_0a1b2c_enroll")
    assert text["command_topic"] == TOPICS.request("people_enroll")
    sent = json.loads(
        text["command_template"].replace("{{ value | to_json }}", '"ada"').replace("{{ now().timestamp() }}", "1.5")
    )
    assert parse("people_enroll", sent) == EnrollPerson("ada")
    for valid in ("", "ada", "zoe-m", "9", "unknown-2", "a" * 32):
        assert re.match(text["pattern"], valid)
    for invalid in ("Ada", "zoë", "-a", "a b", "unknown", 'a"', "a" * 33):
        assert not re.match(text["pattern"], invalid)


def test_entities_without_an_icon_of_their_class_have_one_of_their_own(payload: dict[str, Any]) -> None:
    """Otherwise most entities would have the same default icon. The class `enum` has no icon."""
    for component in entities(payload):
        assert ("icon" in component) == (component.get("device_class") in (None, "enum"))


def test_entities_that_change_with_every_message_are_disabled_by_default(payload: dict[str, Any]) -> None:
    """Home Assistant records every state of every enabled entity."""
    disabled = {key for key, component in payload["cmps"].items() if component.get("enabled_by_default") is False}
    assert disabled == {"fps", "p50", "rss", "cert", "uptime"}
    assert all(payload["cmps"][key]["entity_category"] == "diagnostic" for key in disabled)


def test_nothing_is_counted_in_a_plural_of_its_own(payload: dict[str, Any]) -> None:
    """Home Assistant puts the unit behind any number, so a unit that is a word would make "1 faces"."""
    units = {component.get("unit_of_measurement") for component in entities(payload)}
    assert units == {None, "°C", "ms", "MB", "d", "s", "fps"}


@pytest.mark.parametrize(("count", "text"), [(0, "0 faces"), (1, "1 face"), (2, "2 faces")])
def test_the_count_is_an_attribute_in_words(payload: dict[str, Any], count: int, text: str) -> None:
    """For a card that shows an attribute; the state stays a number."""
    counted = payload["cmps"]["count"]
    assert counted["json_attributes_topic"] == TOPICS.state
    assert json.loads(render(counted["json_attributes_template"], {"count": count})) == {"text": text}


def test_the_enrollment_field_is_empty_when_nobody_is_being_enrolled(payload: dict[str, Any]) -> None:
    """It shows the id meanwhile. The state of a node of an older version has no such field."""
    text = payload["cmps"]["enroll"]
    assert text["state_topic"] == TOPICS.state
    assert [render(text["value_template"], state) for state in ({"enrolling": "ada"}, {"enrolling": None}, {})] == [
        "ada", "", "",
    ]  # fmt: skip
    assert text["min"] == 0


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"status": "ok", "data": {"id": "ada", "faces": 1}}, "ada is enrolled: 1 face"),
        ({"status": "ok", "data": {"id": "ada", "faces": 5}}, "ada is enrolled: 5 faces"),
        ({"status": "error", "error": 'say "cheese"'}, 'say "cheese"'),
    ],
)
def test_the_latest_answer_is_an_attribute_of_the_enrollment_field(
    payload: dict[str, Any], answer: dict[str, Any], said: str
) -> None:
    """Whoever typed an id reads there why nobody was enrolled."""
    text = payload["cmps"]["enroll"]
    assert text["json_attributes_topic"] == TOPICS.response("people_enroll")
    assert json.loads(render(text["json_attributes_template"], answer)) == {"last_answer": said}


@pytest.mark.parametrize("name", ["Zoë Müller", 'Ada "the first"', "O'Neil", "back\\slash", "{{ 1 }} %} #}", "😀"])
def test_the_last_person_has_an_id_for_automations_and_a_name_for_people(name: str) -> None:
    """The id stays what it was; the name is whatever its owner wrote, and runs nothing."""
    components = json.loads(discovery(TOPICS, DEVICE, (KeyedPerson("0" * 12, "ada", name), ZOE)))["cmps"]
    by_id, by_name = (components[key]["value_template"] for key in ("last_person", "last_person_name"))
    seen = {
        "people": {"zoe-m": {"last_seen": "2026-01-01T00:00:00.000Z"}, "ada": {"last_seen": "2026-01-02T00:00:00.000Z"}}
    }
    assert (render(by_id, seen), render(by_name, seen)) == ("ada", name)
    nobody: dict[str, Any] = {"people": {}}
    assert (render(by_id, nobody, "ada"), render(by_name, nobody, name)) == ("ada", name)
    assert (render(by_id, nobody, "eve"), render(by_name, nobody, "Eve")) == ("None", "None")
