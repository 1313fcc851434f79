"""A broker and a Home Assistant -> a node as its owner runs it, and the entities expected of it."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from home_assistant import HomeAssistant
from mosquitto_broker import Mosquitto, Subscriber, eventually
from node_messages import BrokerAddress, settings_for
from running_node import running_facenode

from node.mqtt.link import Received

TIMEOUT_S = 60.0

EntityTraits = tuple[str | None, str | None, str | None, str | None]
"""Device class, unit, state class, category."""

_VIEW: dict[str, EntityTraits] = {
    "event.{0}_event": (None, None, None, None),
    "event.{0}_alert": (None, None, None, None),
    "sensor.{0}_count": (None, None, "measurement", None),
    "binary_sensor.{0}_occupancy": ("occupancy", None, None, None),
    "sensor.{0}_last_person": (None, None, None, None),
    "sensor.{0}_last_person_name": (None, None, None, None),
}
_CONTROLS: dict[str, EntityTraits] = {
    "switch.{0}_privacy": (None, None, None, "config"),
    "switch.{0}_recognition": (None, None, None, "config"),
    "switch.{0}_snooze_stranger": (None, None, None, "config"),
    "button.{0}_restart": ("restart", None, None, "config"),
    "text.{0}_enroll": (None, None, None, "config"),
}
_DIAGNOSTICS: dict[str, EntityTraits] = {
    "sensor.{0}_camera": ("enum", None, None, "diagnostic"),
    "sensor.{0}_cpu": ("temperature", "°C", "measurement", "diagnostic"),
    "binary_sensor.{0}_throttled": ("problem", None, None, "diagnostic"),
    "sensor.{0}_p95": ("duration", "ms", "measurement", "diagnostic"),
    "sensor.{0}_outbox": (None, None, "measurement", "diagnostic"),
    "sensor.{0}_dropped": (None, None, "total_increasing", "diagnostic"),
    "sensor.{0}_rejected": (None, None, "total_increasing", "diagnostic"),
    "sensor.{0}_model": (None, None, None, "diagnostic"),
    "sensor.{0}_clock": ("enum", None, None, "diagnostic"),
}
_NOISY: dict[str, EntityTraits] = {
    "sensor.{0}_fps": (None, "fps", "measurement", "diagnostic"),
    "sensor.{0}_p50": ("duration", "ms", "measurement", "diagnostic"),
    "sensor.{0}_rss": ("data_size", "MB", "measurement", "diagnostic"),
    "sensor.{0}_cert_days_left": ("duration", "d", "measurement", "diagnostic"),
    "sensor.{0}_uptime": ("duration", "s", "measurement", "diagnostic"),
}
_PERSON: dict[str, EntityTraits] = {
    "binary_sensor.{0}_person_{1}": ("occupancy", None, None, None),
    "sensor.{0}_seen_{1}": ("timestamp", None, None, None),
}
_PICTURE: dict[str, EntityTraits] = {"image.{0}_snapshot": (None, None, None, None)}


def entities(name: str, *people: str, picture: bool = False, noisy: bool = False) -> dict[str, EntityTraits]:
    """Return the entities of a node by id.

    Args:
        name: the node's name.
        people: the enrolled people.
        picture: whether snapshots are enabled.
        noisy: whether to include the entities that are disabled by default.
    """
    found = {
        entity.format(name): traits for part in (_VIEW, _CONTROLS, _DIAGNOSTICS) for entity, traits in part.items()
    }
    for person in people:
        found |= {entity.format(name, person): traits for entity, traits in _PERSON.items()}
    for part in ([_PICTURE] if picture else []) + ([_NOISY] if noisy else []):
        found |= {entity.format(name): traits for entity, traits in part.items()}
    return found


def diagnostics(name: str) -> list[str]:
    """Return the ids of the diagnostic entities that are enabled."""
    return [entity.format(name) for entity in _DIAGNOSTICS]


def camera_entities(name: str) -> list[str]:
    """Return the ids of the entities that depend on the camera's view."""
    return [f"sensor.{name}_count", f"binary_sensor.{name}_occupancy", f"text.{name}_enroll"]


@contextmanager
def node_process(
    name: str, broker: BrokerAddress, folder: Path, media_dir: Path, **more: object
) -> Iterator["subprocess.Popen[str]"]:
    """Run a node on one portrait that is shown for longer than any test takes.

    Args:
        name: the node's name.
        broker: the broker to connect to.
        folder: the test's folder.
        media_dir: the folder of the portrait.
        more: further settings, such as `publish__snapshots` for `publish.snapshots`.
    """
    portrait_folder = folder / "portrait_folder"
    if not portrait_folder.exists():
        portrait_folder.mkdir()
        for number in range(4000):
            (portrait_folder / f"{number:04}.jpg").symlink_to(media_dir / "astronaut.jpg")
    settings = settings_for(broker, portrait_folder, folder / "s") | {
        "node.id": name, "node.name": name.title(), "camera.source": f"images:{portrait_folder}", "camera.fps": 5,
        "events.cool_down_s": 0, "health.every_s": 5,
    }  # fmt: skip
    settings |= {key.replace("__", "."): value for key, value in more.items()}
    rules = folder / "facenode.toml"
    rules.write_text('[[alerts.rules]]\nid = "stranger"\nwhen = "unknown"\nnobody_enrolled = true\ncool_down_s = 0\n')
    with running_facenode(settings, "--config", rules) as process:
        yield process


def has_state(home: HomeAssistant, entity: str, state: str) -> bool:
    """Return whether an entity is in a state."""
    return home.state(entity) == state


def available(home: HomeAssistant, entity: str, *, wanted: bool = True) -> bool:
    """Return whether an entity's availability is as wanted."""
    state = home.state(entity)
    return state is not None and (state != "unavailable") == wanted


def latest_event_type(home: HomeAssistant, entity: str) -> str | None:
    """Return the type of the event that an entity fired last; None if it fired none."""
    found = home.entity(entity)
    return None if found is None else found["attributes"].get("event_type")


def reenter_view(home: HomeAssistant, broker: Mosquitto, name: str) -> None:
    """Make the person in view leave and return, by the privacy switch."""
    event, former = f"event.{name}_event", home.state(f"event.{name}_event")
    with closing(Subscriber(broker.settings(), f"facenode/{name}/state", client_id="door-keeper")) as subscriber:
        home.call("switch", "turn_on", entity_id=f"switch.{name}_privacy")
        assert eventually(lambda: _empty(subscriber.messages), TIMEOUT_S)
    home.call("switch", "turn_off", entity_id=f"switch.{name}_privacy")
    arrivals = {"recognized", "unknown"}
    assert eventually(lambda: home.state(event) != former and latest_event_type(home, event) in arrivals, TIMEOUT_S)


def _empty(messages: list[Received]) -> bool:
    """Return whether a node is in privacy mode and reports nobody in view."""
    state = json.loads(messages[-1].payload) if messages else {}
    return state.get("privacy") == "on" and state.get("count") == 0


def enroll(home: HomeAssistant, name: str, person: str = "ada") -> None:
    """Enroll the person in view, as an owner does."""
    assert eventually(lambda: home.state(f"sensor.{name}_count") == "1", TIMEOUT_S)
    home.call("text", "set_value", entity_id=f"text.{name}_enroll", value=person)
    assert eventually(lambda: home.state(f"binary_sensor.{name}_person_{person}") == "on", TIMEOUT_S)
