"""The device's triggers, and the switch that snoozes a rule, over changes of the rules."""

import json
import os
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from makers import instant
from rendered_template import render

from node.contract import payloads
from node.contract.topics import Topics
from node.homeassistant.announcer import Announcer
from node.homeassistant.device_remover import DeviceRemover
from node.homeassistant.discovery import Device, discovery
from node.homeassistant.entity_keys import FILE as KEYS_FILE
from node.homeassistant.entity_keys import EntityKeys
from node.homeassistant.rule_keys import FILE, RuleKeys
from node.mqtt.retained import Retained
from node.requests.request import Snooze, parse
from node.requests.verb import Verb

TOPICS = Topics("pi-0a1b2c")
DEVICE = Device("Hall", "", "1", rules=("crowd",), verbs=tuple(Verb))


@pytest.fixture
def components() -> dict[str, Any]:
    """Return the components of a node with one rule, `crowd`."""
    found: dict[str, Any] = json.loads(discovery(TOPICS, DEVICE))["cmps"]
    return found


def test_there_is_a_trigger_for_each_event_type_and_two_for_each_rule(components: dict[str, Any]) -> None:
    """Each fires on one topic that is never retained; of a rule, when it is met and when it is over."""
    triggers = {
        (each["type"], each["subtype"]): each for each in components.values() if each["p"] == "device_automation"
    }
    assert set(triggers) == {
        ("recognized", "face"), ("unknown", "face"), ("changed", "face"), ("left", "face"),
        ("raised", "crowd"), ("cleared", "crowd"),
    }  # fmt: skip
    assert triggers["unknown", "face"]["topic"] == f"{TOPICS.base}/event/unknown"
    raised = triggers["raised", "crowd"]
    assert raised["topic"] == f"{TOPICS.base}/alert/crowd"
    assert render(raised["value_template"], {"state": "raised"}) == raised["payload"]
    for each in triggers.values():
        assert (each["automation_type"], each["qos"]) == ("trigger", 1)


def test_the_switch_of_a_rule_is_on_until_the_end_of_its_snooze(components: dict[str, Any]) -> None:
    """The end is an attribute. The state of an older version, after an update was taken back, has no snoozes."""
    switch = components["snooze_crowd"]
    assert (switch["p"], switch["default_entity_id"]) == ("switch", "switch.pi_0a1b2c_snooze_crowd")
    assert switch["state_topic"] == switch["json_attributes_topic"] == TOPICS.state
    end = "2026-11-24T19:00:58.621Z"
    for state, expected, until in (
        ({"snoozed": {"crowd": end}}, "on", end), ({"snoozed": {"door": end}}, "off", None), ({}, "off", None)
    ):  # fmt: skip
        assert render(switch["value_template"], state) == expected
        assert json.loads(render(switch["json_attributes_template"], state)) == {"until": until}


@pytest.mark.parametrize(("value", "for_s"), [("on", 3600), ("off", 0)])
def test_the_switch_snoozes_its_rule_for_an_hour_or_ends_it(
    components: dict[str, Any], value: str, for_s: float
) -> None:
    """It sends a request that the node accepts."""
    switch = components["snooze_crowd"]
    assert switch["command_topic"] == TOPICS.request("snooze")
    template = switch["command_template"].replace("now().timestamp()", "1.5").replace("value ==", f"'{value}' ==")
    assert parse("snooze", json.loads(render(template, {}))) == Snooze(for_s, "crowd")


def test_a_node_that_cannot_be_snoozed_has_no_switch() -> None:
    """A switch that does nothing is worse than none. The triggers stay."""
    components = json.loads(discovery(TOPICS, Device("Hall", "", "1", rules=("crowd",))))["cmps"]
    assert "snooze_crowd" not in components
    assert "raised_crowd" in components


class Announced:
    """The discoveries of a node whose rules change at each start, with one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def start(self, *rules: str, home_assistant_starts: bool = False) -> list[dict[str, Any]]:
        """Return the components of each discovery that a start sends."""
        retained = Retained(TOPICS, payloads.state(instant(0)))
        device = Device("Hall", "", "1", rules=rules, verbs=DEVICE.verbs)
        announcer = Announcer(TOPICS, device, EntityKeys(self._folder), retained)
        announcer.update(())
        if home_assistant_starts:
            retained.home_assistant_started()
        sent = [each for each in retained.take_due() if each.topic == TOPICS.discovery]
        for each in sent:
            if each.retain:
                retained.confirm(each)
        announcer.update(())
        return [json.loads(each.payload)["cmps"] for each in sent]


def test_what_a_removed_rule_had_is_removed(tmp_path: Path) -> None:
    """At each start until Home Assistant has started once more; a rule that comes back is announced again."""
    node = Announced(tmp_path)
    node.start("crowd", "night")
    for _ in range(2):
        (components,) = node.start("night")
        assert components["snooze_crowd"] == {"p": "switch"}
        assert components["raised_crowd"] == components["cleared_crowd"] == {"p": "device_automation"}
        assert "state_topic" in components["snooze_night"]
    placeholders, removals = node.start("night", home_assistant_starts=True)
    assert placeholders["snooze_crowd"]["unique_id"] == f"facenode_{TOPICS.node}_snooze_crowd"
    assert "raised_crowd" not in placeholders
    assert removals["snooze_crowd"] == {"p": "switch"}
    (final,) = node.start("night")
    assert "snooze_crowd" not in final
    (back,) = node.start("crowd", "night")
    assert "state_topic" in back["snooze_crowd"]


def test_the_file_that_version_0_1_0_reads_knows_nothing_of_rules(tmp_path: Path) -> None:
    """It takes a key that it does not know for damage, and would give everybody new entities."""
    Announced(tmp_path).start("crowd")
    Announced(tmp_path).start()
    content = (tmp_path / KEYS_FILE).read_text()
    assert "crowd" not in content
    assert set(json.loads(content)) == {"secret", "known", "gone"}


def test_a_removed_device_leaves_nothing_of_its_rules(tmp_path: Path) -> None:
    """A Home Assistant that was down gets the whole switch and then the empty discovery; the file is gone then."""
    Announced(tmp_path).start("crowd")
    retained = Retained(TOPICS, payloads.state(instant(0)))
    remover = DeviceRemover(TOPICS, Device("Hall", "", "1"), EntityKeys(tmp_path), retained)
    remover.update(())
    retained.home_assistant_started()
    whole, empty = [each for each in retained.take_due() if each.topic == TOPICS.discovery]
    assert "unique_id" in json.loads(whole.payload)["cmps"]["snooze_crowd"]
    assert empty.payload == b""
    retained.confirm(empty)
    remover.update(())
    assert not (tmp_path / FILE).exists()


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"known":["A"],"gone":[]}', '{"known":[1],"gone":[]}', "[" * 100_000, '{"known":["a"]}'],
)
def test_a_damaged_file_is_replaced_and_logged(tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture) -> None:
    """The node goes on, and the owner learns what to do."""
    (tmp_path / FILE).write_text(content)
    keys = RuleKeys(tmp_path)
    keys.update(["crowd"])
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1
    assert RuleKeys(tmp_path).shown == ("crowd",)


@pytest.mark.parametrize(("kind", "read_only"), list(product(["pipe", "folder", "link"], [False, True])))
def test_what_is_no_file_is_neither_read_nor_followed(tmp_path: Path, kind: str, *, read_only: bool) -> None:
    """A pipe without a writer would keep the node from starting."""
    other = tmp_path / "other"
    other.write_text("{}")
    path = tmp_path / FILE
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(other)
    keys = RuleKeys(tmp_path, read_only=read_only)
    keys.update(["crowd"])
    assert keys.shown == ("crowd",)
    assert other.read_text() == "{}"
    keys.forget_removed()
    keys.delete()


def test_at_most_64_removed_rules_are_kept(tmp_path: Path) -> None:
    """If Home Assistant never starts again, neither the file nor the discovery grows without limit."""
    keys = RuleKeys(tmp_path)
    keys.update(f"rule-{number}" for number in range(70))
    keys.update([])
    assert len(keys.removed) == 64
