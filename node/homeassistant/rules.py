"""The owner's alert rules and the event types -> the device's triggers, and for each rule a switch that snoozes it.

A trigger lets an owner make an automation by clicking. It fires on live messages only: none of its topics is retained,
and none is under `late/`.
"""

from collections.abc import Sequence

from node.contract.payloads import Fields
from node.contract.topics import Kind, Topics
from node.domain import AlertState, EventType
from node.homeassistant.entity import TRANSACTION, entity

SNOOZE_S = 3600
"""Seconds for which the switch snoozes a rule."""

_FACE = "face"


def triggers(topics: Topics, rules: Sequence[str]) -> dict[str, Fields]:
    """Return a trigger for each event type, and two for each rule: it was met, and it is over."""
    faces: dict[str, Fields] = {
        f"trigger_{kind}": _trigger(str(kind), _FACE, topics.message(Kind.EVENT, str(kind))) for kind in EventType
    }
    alerts: dict[str, Fields] = {
        _trigger_key(state, rule): _trigger(str(state), rule, topics.message(Kind.ALERT, rule))
        | {"payload": str(state), "value_template": "{{ value_json.state }}"}
        for rule in rules
        for state in AlertState
    }
    return faces | alerts


def snoozes(topics: Topics, verb: str, rules: Sequence[str]) -> dict[str, Fields]:
    """Return for each rule a switch that is on while the rule is snoozed, with the end as an attribute."""
    return {_snooze_key(rule): _snooze(topics, verb, rule) for rule in rules}


def platforms(rule: str) -> dict[str, str]:
    """Return the platform of each component of a rule, by component key."""
    return {_snooze_key(rule): "switch"} | {_trigger_key(state, rule): "device_automation" for state in AlertState}


def _trigger(kind: str, subtype: str, topic: str) -> dict[str, object]:
    return {
        "p": "device_automation", "automation_type": "trigger",
        "type": kind, "subtype": subtype, "topic": topic, "qos": 1,
    }  # fmt: skip


def _snooze(topics: Topics, verb: str, rule: str) -> Fields:
    # A node of an older version, after an update that was taken back, has no `snoozed`.
    until = f"(value_json.snoozed | default({{}})).get('{rule}')"
    request = f'"transaction":"{TRANSACTION}","rule":"{rule}","for_s":{{{{ {SNOOZE_S} if value == "on" else 0 }}}}'
    return {
        **entity(topics, "switch", _snooze_key(rule), f"Snooze {rule}"),
        "state_topic": topics.state,
        "value_template": f"{{{{ 'on' if {until} else 'off' }}}}",
        "json_attributes_topic": topics.state,
        "json_attributes_template": f"{{{{ {{'until': {until}}} | to_json }}}}",
        "command_topic": topics.request(verb),
        "command_template": f"{{{request}}}",
        "payload_on": "on",
        "payload_off": "off",
        "icon": "mdi:bell-sleep",
        "entity_category": "config",
    }


def _snooze_key(rule: str) -> str:
    return f"snooze_{rule}"


def _trigger_key(state: AlertState, rule: str) -> str:
    return f"{state}_{rule}"
