"""A node and its people -> the payload from which Home Assistant makes a device and its entities.

The keys of `cmps` never change: Home Assistant refuses a new key with the `unique_id` of an old one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from node.contract.payloads import Fields, dump
from node.contract.topics import ROOT, Topics
from node.domain import CameraState, EventType
from node.homeassistant.entity import TRANSACTION, camera_availability, entity
from node.homeassistant.entity_keys import KeyedPerson
from node.homeassistant.people import enrolment, presence
from node.homeassistant.removal import OPTIONAL, placeholders, removals
from node.homeassistant.rules import snoozes, triggers

_DISABLED = {"enabled_by_default": False}
_ENROLL, _SNOOZE = "people_enroll", "snooze"
_COUNTED = "{{ {'text': value_json.count ~ (' face' if value_json.count == 1 else ' faces')} | to_json }}"
# A machine that does not report throttling is unknown, not fine.
_THROTTLED = "{{ none if value_json.throttled is none else 'ON' if value_json.throttled else 'OFF' }}"


@dataclass(frozen=True, slots=True)
class Device:
    """What discovery says about a node.

    Attributes:
        name: for people to read.
        area: the area to suggest; empty for none.
        version: of the program.
        model: the name of the network; empty if it is not known.
        hardware: the name of the machine's board; empty if it is not known.
        health_s: seconds between two health messages; their values expire 10 s after three of them are missed.
        rules: ids of the alert rules.
        verbs: the requests that the node accepts.
        snapshots: whether the node sends snapshots.
        page: address of the owner's web page; empty for none.
    """

    name: str
    area: str
    version: str
    model: str = ""
    hardware: str = ""
    health_s: float = 30.0
    rules: Sequence[str] = ()
    verbs: Sequence[str] = ()
    snapshots: bool = False
    page: str = ""


def discovery(
    topics: Topics,
    device: Device,
    people: Sequence[KeyedPerson] = (),
    removed: Sequence[str] = (),
    *,
    with_placeholders: bool = False,
) -> bytes:
    """Return the payload of the device's discovery topic.

    Args:
        topics: the node's topics.
        device: what discovery says about the node.
        people: the people to show.
        removed: keys of people and optional components whose entities are to be removed.
        with_placeholders: whether to announce those entities once more instead: sent directly before the payload that
            removes them, to a Home Assistant that has just started.
    """
    fields = {"ids": [f"{ROOT}_{topics.node}"], "name": device.name, "mf": "Facenode", "sw": device.version}
    more = {"sa": device.area, "mdl": device.model, "hw": device.hardware, "cu": device.page}
    return dump(
        {
            "dev": fields | {key: value for key, value in more.items() if value},
            "o": {"name": ROOT, "sw": device.version},
            "qos": 1,
            "availability": [{"topic": topics.status}],
            "availability_mode": "all",
            "cmps": {
                **_events(topics, device),
                **triggers(topics, device.rules),
                **_view(topics),
                **(_snapshot(topics) if device.snapshots else {}),
                **presence(topics, people),
                **(placeholders(topics, removed) if with_placeholders else removals(removed)),
                **_controls(topics, device),
                **_diagnostics(topics, device),
            },
        }
    )


def optional_components(device: Device) -> tuple[str, ...]:
    """Return the keys of the optional components that this device has."""
    present = {"alert": bool(device.rules), "enroll": _ENROLL in device.verbs, "snapshot": device.snapshots}
    return tuple(key for key in OPTIONAL if present[key])


def _events(topics: Topics, device: Device) -> dict[str, Fields]:
    """Return the event entities, available by status alone: an event for an unavailable entity never fires."""
    components = {
        "event": entity(topics, "event", "event", "Face")
        | {
            "state_topic": f"{topics.base}/event/+",
            "event_types": [str(each) for each in EventType],
            "icon": "mdi:face-recognition",
        }
    }
    if device.rules:
        components["alert"] = entity(topics, "event", "alert", "Alert") | {
            "state_topic": f"{topics.base}/alert/+",
            "event_types": list(device.rules),
            "icon": "mdi:bell-alert",
        }
    return dict(components)


def _view(topics: Topics) -> dict[str, Fields]:
    """Return how many faces are in view, and whether there are any."""
    occupied = "{{ 'ON' if value_json.count > 0 else 'OFF' }}"
    return {
        "count": entity(topics, "sensor", "count", "Faces in view")
        | camera_availability(topics)
        | {
            "state_topic": topics.state,
            "value_template": "{{ value_json.count }}",
            "json_attributes_topic": topics.state,
            "json_attributes_template": _COUNTED,
            "state_class": "measurement",
            "suggested_display_precision": 0,
            "icon": "mdi:account-group",
        },
        "occupancy": entity(topics, "binary_sensor", "occupancy", "Occupancy")
        | camera_availability(topics)
        | {"state_topic": topics.state, "value_template": occupied, "device_class": "occupancy"},
    }


def _snapshot(topics: Topics) -> dict[str, Fields]:
    """Return the picture of the latest event. It stays valid while the camera is lost."""
    fields = {"image_topic": topics.snapshots, "content_type": "image/jpeg", "icon": "mdi:image-frame"}
    return {"snapshot": entity(topics, "image", "snapshot", "Snapshot") | fields}


def _controls(topics: Topics, device: Device) -> dict[str, Fields]:
    """Return the switches, the button and the text field whose requests the node accepts."""
    controls: dict[str, Fields] = {}
    for verb, name, icon in (("privacy", "Privacy", "eye-off"), ("recognition", "Recognition", "account-search")):
        controls[verb] = _control(topics, "switch", verb, name) | {
            "state_topic": topics.state,
            "value_template": f"{{{{ value_json.{verb} }}}}",
            "icon": f"mdi:{icon}",
            "payload_on": "on",
            "payload_off": "off",
            "command_template": f'{{"transaction":"{TRANSACTION}","state":"{{{{ value }}}}"}}',
        }
    controls["restart"] = _control(topics, "button", "restart", "Restart") | {
        "device_class": "restart",
        "command_template": f'{{"transaction":"{TRANSACTION}"}}',
    }
    accepted = {verb: control for verb, control in controls.items() if verb in device.verbs}
    if _SNOOZE in device.verbs:
        accepted |= snoozes(topics, _SNOOZE, device.rules)
    return accepted | ({"enroll": enrolment(topics, _ENROLL)} if _ENROLL in device.verbs else {})


def _control(topics: Topics, platform: str, verb: str, name: str) -> dict[str, object]:
    return entity(topics, platform, verb, name) | {
        "command_topic": topics.request(verb),
        "entity_category": "config",
    }


def _diagnostics(topics: Topics, device: Device) -> dict[str, Fields]:
    """Return the entities of health. Their values expire, so that a node that hangs does not show old ones."""
    camera = {"device_class": "enum", "options": [str(each) for each in CameraState], "icon": "mdi:cctv"}
    celsius = {"device_class": "temperature", "state_class": "measurement", "unit_of_measurement": "°C"}
    milliseconds = {"device_class": "duration", "state_class": "measurement", "unit_of_measurement": "ms"}
    megabytes = {"device_class": "data_size", "state_class": "measurement", "unit_of_measurement": "MB"}
    # Without a unit: Home Assistant has no singular, and the names say what is counted.
    waiting = {"state_class": "measurement", "icon": "mdi:tray-full"}
    total = {"state_class": "total_increasing", "icon": "mdi:tray-remove"}
    clock = {"device_class": "enum", "options": ["synced", "unsynced"], "icon": "mdi:clock-check"}
    days = {"device_class": "duration", "state_class": "measurement", "unit_of_measurement": "d"}
    seconds = {"device_class": "duration", "state_class": "measurement", "unit_of_measurement": "s"}
    rate = {"state_class": "measurement", "unit_of_measurement": "fps", "icon": "mdi:speedometer"}
    throttled = {"device_class": "problem", "value_template": _THROTTLED}
    entities = {
        "camera": _diagnostic(topics, "sensor", "camera", "Camera", camera),
        "cpu": _diagnostic(topics, "sensor", "cpu_c", "Processor temperature", {**celsius, **_decimals(1)}),
        "throttled": _diagnostic(topics, "binary_sensor", "throttled", "Throttled", throttled),
        "fps": _diagnostic(topics, "sensor", "fps", "Frame rate", {**rate, **_decimals(1), **_DISABLED}),
        "p50": _diagnostic(topics, "sensor", "p50_ms", "Median latency", {**milliseconds, **_decimals(0), **_DISABLED}),
        "p95": _diagnostic(topics, "sensor", "p95_ms", "Latency, 95th percentile", {**milliseconds, **_decimals(0)}),
        "rss": _diagnostic(topics, "sensor", "rss_mb", "Memory", {**megabytes, **_decimals(0), **_DISABLED}),
        "outbox": _diagnostic(topics, "sensor", "outbox", "Waiting messages", waiting),
        "dropped": _diagnostic(topics, "sensor", "dropped", "Dropped messages", total),
        "rejected": _diagnostic(topics, "sensor", "rejected", "Rejected messages", total),
        "model": _diagnostic(topics, "sensor", "model", "Model", {"icon": "mdi:brain"}),
        "clock": _diagnostic(topics, "sensor", "clock", "Clock", clock),
        "cert": _diagnostic(topics, "sensor", "cert_days_left", "Certificate", {**days, **_decimals(0), **_DISABLED}),
        "uptime": _diagnostic(topics, "sensor", "uptime_s", "Uptime", {**seconds, **_decimals(0), **_DISABLED}),
    }
    expire_after = {"expire_after": math.ceil(3 * device.health_s + 10)}
    return {key: {**each, **expire_after} for key, each in entities.items()}


def _diagnostic(topics: Topics, platform: str, field: str, name: str, fields: Fields) -> dict[str, object]:
    key = field.removesuffix("_ms").removesuffix("_mb").removesuffix("_c").removesuffix("_s")
    return entity(topics, platform, key, name) | {
        "state_topic": topics.health,
        "value_template": f"{{{{ value_json.{field} }}}}",
        "entity_category": "diagnostic",
        **fields,
    }


def _decimals(count: int) -> Fields:
    return {"suggested_display_precision": count}
