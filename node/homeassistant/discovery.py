"""What a node is and has -> the payload from which Home Assistant makes its device and entities.

The keys of `cmps` stay for ever: a key that is renamed with the same `unique_id` is refused.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from node.contract.payloads import Fields, dump
from node.contract.topics import ROOT, Topics
from node.domain import CameraState, EventType
from node.homeassistant.entity import TRANSACTION, entity, in_view
from node.homeassistant.entity_keys import Resident
from node.homeassistant.people import enrolment, presence
from node.homeassistant.removal import PARTS, ghosts, removed

_NOISY = {"enabled_by_default": False}
_ENROL = "people_enroll"
# Where the machine does not tell, it is unknown, not well.
_THROTTLED = "{{ none if value_json.throttled is none else 'ON' if value_json.throttled else 'OFF' }}"


@dataclass(frozen=True, slots=True)
class Device:
    """What is told of a node.

    Attributes:
        name: what people read.
        area: the room that is suggested, empty if none.
        version: of the program.
        health_s: seconds between two health messages; after three and some its values are unknown.
        rules: ids of the alert rules.
        verbs: requests that it takes.
        snapshots: whether it sends pictures.
    """

    name: str
    area: str
    version: str
    health_s: float = 30.0
    rules: Sequence[str] = ()
    verbs: Sequence[str] = ()
    snapshots: bool = False


def discovery(
    topics: Topics, device: Device, people: Sequence[Resident] = (), gone: Sequence[str] = (), *, whole: bool = False
) -> bytes:
    """Return the payload of the device's discovery topic.

    Args:
        topics: the node's.
        device: what is told of it.
        people: who is shown.
        gone: keys of people and parts whose entities have to go.
        whole: whether those entities are told once more, directly before a payload in which they go.
    """
    about = {"ids": [f"{ROOT}_{topics.node}"], "name": device.name, "mf": "Facenode", "sw": device.version}
    if device.area:
        about["sa"] = device.area
    return dump(
        {
            "dev": about,
            "o": {"name": ROOT, "sw": device.version},
            "qos": 1,
            "availability": [{"topic": topics.status}],
            "availability_mode": "all",
            "cmps": {
                **_events(topics, device),
                **_view(topics),
                **(_picture(topics) if device.snapshots else {}),
                **presence(topics, people),
                **(ghosts(topics, gone) if whole else removed(gone)),
                **_controls(topics, device),
                **_diagnostics(topics, device),
            },
        }
    )


def parts(device: Device) -> tuple[str, ...]:
    """Return the keys of what this node offers and another may not."""
    offered = {"alert": bool(device.rules), "enroll": _ENROL in device.verbs, "snapshot": device.snapshots}
    return tuple(key for key in PARTS if offered[key])


def _events(topics: Topics, device: Device) -> dict[str, Fields]:
    """Return the event entities, available by status alone: an event that comes while they are not never fires."""
    found = {
        "event": entity(topics, "event", "event", "Face")
        | {
            "state_topic": f"{topics.base}/event/+",
            "event_types": [str(each) for each in EventType],
            "icon": "mdi:face-recognition",
        }
    }
    if device.rules:
        found["alert"] = entity(topics, "event", "alert", "Alert") | {
            "state_topic": f"{topics.base}/alert/+",
            "event_types": list(device.rules),
            "icon": "mdi:bell-alert",
        }
    return dict(found)


def _view(topics: Topics) -> dict[str, Fields]:
    occupied = "{{ 'ON' if value_json.count > 0 else 'OFF' }}"
    return {
        "count": entity(topics, "sensor", "count", "Faces in view")
        | in_view(topics)
        | {
            "state_topic": topics.state,
            "value_template": "{{ value_json.count }}",
            "state_class": "measurement",
            "unit_of_measurement": "faces",
            "suggested_display_precision": 0,
            "icon": "mdi:account-group",
        },
        "occupancy": entity(topics, "binary_sensor", "occupancy", "Occupancy")
        | in_view(topics)
        | {"state_topic": topics.state, "value_template": occupied, "device_class": "occupancy"},
    }


def _picture(topics: Topics) -> dict[str, Fields]:
    """Return the picture of the latest event: it stays what it is when the camera is away."""
    picture = {"image_topic": topics.snapshots, "content_type": "image/jpeg", "icon": "mdi:image-frame"}
    return {"snapshot": entity(topics, "image", "snapshot", "Snapshot") | picture}


def _controls(topics: Topics, device: Device) -> dict[str, Fields]:
    found: dict[str, Fields] = {}
    for verb, name, icon in (("privacy", "Privacy", "eye-off"), ("recognition", "Recognition", "account-search")):
        found[verb] = _control(topics, "switch", verb, name) | {
            "state_topic": topics.state,
            "value_template": f"{{{{ value_json.{verb} }}}}",
            "icon": f"mdi:{icon}",
            "payload_on": "on",
            "payload_off": "off",
            "command_template": f'{{"transaction":"{TRANSACTION}","state":"{{{{ value }}}}"}}',
        }
    found["restart"] = _control(topics, "button", "restart", "Restart") | {
        "device_class": "restart",
        "command_template": f'{{"transaction":"{TRANSACTION}"}}',
    }
    offered = {verb: control for verb, control in found.items() if verb in device.verbs}
    return offered | ({"enroll": enrolment(topics, _ENROL)} if _ENROL in device.verbs else {})


def _control(topics: Topics, platform: str, verb: str, name: str) -> dict[str, object]:
    return entity(topics, platform, verb, name) | {
        "command_topic": topics.request(verb),
        "entity_category": "config",
    }


def _diagnostics(topics: Topics, device: Device) -> dict[str, Fields]:
    camera = {"device_class": "enum", "options": [str(each) for each in CameraState], "icon": "mdi:cctv"}
    celsius = {"device_class": "temperature", "state_class": "measurement", "unit_of_measurement": "°C"}
    milliseconds = {"device_class": "duration", "state_class": "measurement", "unit_of_measurement": "ms"}
    megabytes = {"device_class": "data_size", "state_class": "measurement", "unit_of_measurement": "MB"}
    waiting = {"state_class": "measurement", "unit_of_measurement": "messages", "icon": "mdi:tray-full"}
    total = {"state_class": "total_increasing", "unit_of_measurement": "messages", "icon": "mdi:tray-remove"}
    clock = {"device_class": "enum", "options": ["synced", "unsynced"], "icon": "mdi:clock-check"}
    days = {"device_class": "duration", "state_class": "measurement", "unit_of_measurement": "d"}
    seconds = {"device_class": "duration", "state_class": "measurement", "unit_of_measurement": "s"}
    rate = {"state_class": "measurement", "unit_of_measurement": "fps", "icon": "mdi:speedometer"}
    throttled = {"device_class": "problem", "value_template": _THROTTLED}
    entities = {
        "camera": _diagnostic(topics, "sensor", "camera", "Camera", camera),
        "cpu": _diagnostic(topics, "sensor", "cpu_c", "Processor temperature", {**celsius, **_shown(1)}),
        "throttled": _diagnostic(topics, "binary_sensor", "throttled", "Throttled", throttled),
        "fps": _diagnostic(topics, "sensor", "fps", "Frame rate", {**rate, **_shown(1), **_NOISY}),
        "p50": _diagnostic(topics, "sensor", "p50_ms", "Median latency", {**milliseconds, **_shown(0), **_NOISY}),
        "p95": _diagnostic(topics, "sensor", "p95_ms", "Latency, 95th percentile", {**milliseconds, **_shown(0)}),
        "rss": _diagnostic(topics, "sensor", "rss_mb", "Memory", {**megabytes, **_shown(0), **_NOISY}),
        "outbox": _diagnostic(topics, "sensor", "outbox", "Waiting messages", waiting),
        "dropped": _diagnostic(topics, "sensor", "dropped", "Dropped messages", total),
        "rejected": _diagnostic(topics, "sensor", "rejected", "Rejected messages", total),
        "model": _diagnostic(topics, "sensor", "model", "Model", {"icon": "mdi:brain"}),
        "clock": _diagnostic(topics, "sensor", "clock", "Clock", clock),
        "cert": _diagnostic(topics, "sensor", "cert_days_left", "Certificate", {**days, **_shown(0), **_NOISY}),
        "uptime": _diagnostic(topics, "sensor", "uptime_s", "Uptime", {**seconds, **_shown(0), **_NOISY}),
    }
    expire_after = {"expire_after": math.ceil(3 * device.health_s + 10)}
    return {key: {**each, **expire_after} for key, each in entities.items()}


def _diagnostic(topics: Topics, platform: str, field: str, name: str, more: Fields) -> dict[str, object]:
    key = field.removesuffix("_ms").removesuffix("_mb").removesuffix("_c").removesuffix("_s")
    return entity(topics, platform, key, name) | {
        "state_topic": topics.health,
        "value_template": f"{{{{ value_json.{field} }}}}",
        "entity_category": "diagnostic",
        **more,
    }


def _shown(decimals: int) -> Fields:
    return {"suggested_display_precision": decimals}
