"""A node and a real Home Assistant: the device is there, complete and quiet, and what it offers works."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from homeassistant import Firings, HomeAssistant
from homeroot import home_root
from house import running
from realbroker import Mosquitto, Subscriber, eventually
from told import settings_for

from node.mqtt.homeassistant import Device, discovery
from node.mqtt.identifiers import uuid7
from node.mqtt.topics import Topics

pytestmark = pytest.mark.timeout(1200)
PATIENCE_S = 60.0
ON = {
    "event.{0}_event", "event.{0}_alert", "sensor.{0}_count", "binary_sensor.{0}_occupancy", "sensor.{0}_last_person",
    "switch.{0}_privacy", "switch.{0}_recognition", "button.{0}_restart", "text.{0}_enroll", "sensor.{0}_camera",
    "sensor.{0}_cpu", "binary_sensor.{0}_throttled", "sensor.{0}_p95", "sensor.{0}_outbox", "sensor.{0}_dropped",
    "sensor.{0}_rejected", "sensor.{0}_model", "sensor.{0}_clock",
}  # fmt: skip
PERSON = {"binary_sensor.{0}_person_ada", "sensor.{0}_seen_ada"}


def automations() -> Iterator[dict[str, object]]:
    """Return one automation of each blueprint, for a node `gate`, that says on the broker that it ran."""
    inputs: dict[str, dict[str, object]] = {
        "stranger_at_night": {"faces": "event.gate_event", "after": "00:00:00", "before": "23:59:59"},
        "somebody_comes_home": {"faces": "event.gate_event", "person": "ada"},
        "camera_away": {"camera": "sensor.gate_camera", "wait": {"seconds": 2}},
    }
    for name, given in inputs.items():
        then = [{"action": "mqtt.publish", "data": {"topic": f"ran/{name}", "payload": "{{ trigger.to_state.state }}"}}]
        yield {
            "id": name,
            "alias": name,
            "use_blueprint": {"path": f"facenode/{name}.yaml", "input": given | {"then": then}},
        }


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """Return the broker between them."""
    made = Mosquitto(tmp_path_factory.mktemp("broker"))
    made.start()
    yield made
    made.end()


@pytest.fixture(scope="module")
def home(broker: Mosquitto, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HomeAssistant]:
    """Return a Home Assistant that runs and is connected; at the end it must have had nothing to complain of."""
    made = HomeAssistant(home_root(), tmp_path_factory.mktemp("home"), broker, list(automations()))
    try:
        made.start()
        yield made
    finally:
        made.end()
    assert made.complaints() == []


@contextmanager
def node(name: str, broker: Mosquitto, folder: Path, media_dir: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a node, named for its test, that sees one portrait for longer than any test takes."""
    album = folder / "album"
    album.mkdir()
    for number in range(4000):
        (album / f"{number:04}.jpg").symlink_to(media_dir / "astronaut.jpg")
    settings = settings_for(broker, album, folder / "s") | {
        "node.id": name, "node.name": name.title(), "camera.source": f"images:{album}", "camera.fps": 5,
        "events.cool_down_s": 0,
    }  # fmt: skip
    rules = folder / "facenode.toml"
    rules.write_text('[[alerts.rules]]\nid = "stranger"\nwhen = "unknown"\nnobody_enrolled = true\ncool_down_s = 0\n')
    with running(settings, "--config", rules) as process:
        yield process


def named(entities: set[str], name: str) -> set[str]:
    """Return entity ids of a node."""
    return {entity.format(name) for entity in entities}


def shows(home: HomeAssistant, entity: str, state: str) -> bool:
    """Return whether an entity is in a state."""
    return home.state(entity) == state


def available(home: HomeAssistant, entity: str, *, wanted: bool) -> bool:
    """Return whether an entity is available, or is not, as wanted."""
    state = home.state(entity)
    return state is not None and (state != "unavailable") == wanted


def enrol(home: HomeAssistant, name: str) -> None:
    """Enrol who is in view as ada, as an owner does."""
    assert eventually(lambda: home.state(f"sensor.{name}_count") == "1", PATIENCE_S)
    home.call("text", "set_value", entity_id=f"text.{name}_enroll", value="ada")
    assert eventually(lambda: home.state(f"binary_sensor.{name}_person_ada") == "on", PATIENCE_S)


def test_the_device_is_complete_and_a_person_is_enrolled_recognized_and_removed(
    home: HomeAssistant, broker: Mosquitto, tmp_path: Path, media_dir: Path
) -> None:
    """Every entity under its id; `unknown` and `recognized` fire; who is removed is gone from the device."""
    with Firings(home, "event.hall_event") as firings, node("hall", broker, tmp_path, media_dir):
        assert eventually(lambda: home.state("event.hall_event") is not None, PATIENCE_S)
        assert eventually(lambda: home.device("event.hall_event") == named(ON, "hall"), PATIENCE_S)
        assert home.render("{{ device_attr(device_id('event.hall_event'), 'name') }}") == "Hall"
        enrol(home, "hall")
        assert eventually(lambda: "recognized" in firings.kinds(), PATIENCE_S)
        assert home.device("event.hall_event") == named(ON | PERSON, "hall")
        assert eventually(lambda: home.state("sensor.hall_last_person") == "ada", PATIENCE_S)
        assert home.state("sensor.hall_seen_ada") not in (None, "unknown", "unavailable")
        assert firings.states[-1]["person"]["id"] == "ada"
        home.call(
            "mqtt", "publish", topic="facenode/hall/request/people_remove", payload='{"transaction":"1","id":"ada"}'
        )
        assert eventually(lambda: home.device("event.hall_event") == named(ON, "hall"), PATIENCE_S)
        assert eventually(lambda: home.state("sensor.hall_last_person") == "unknown", PATIENCE_S)
        # The first `unknown` of all may come before Home Assistant has heard of the node: everybody comes once more.
        for state in ("on", "off"):
            home.call("switch", f"turn_{state}", entity_id="switch.hall_privacy")
            assert eventually(partial(shows, home, "switch.hall_privacy", state), PATIENCE_S)
        assert eventually(lambda: firings.kinds()[-1] == "unknown", PATIENCE_S), firings.kinds()
        assert firings.kinds().count("recognized") == 1
        assert eventually(lambda: "stranger" in str(home.entity("event.hall_alert")), PATIENCE_S)
        alert = home.entity("event.hall_alert")
        assert alert is not None
        assert alert["attributes"]["event_type"] == "stranger"
        assert alert["attributes"]["state"] in {"raised", "cleared"}


def test_switches_act_and_a_private_camera_leaves_diagnostics_and_events_available(
    home: HomeAssistant, broker: Mosquitto, tmp_path: Path, media_dir: Path
) -> None:
    """What shows the view is unavailable while nobody looks; a node that is killed is unavailable as a whole."""
    with node("shed", broker, tmp_path, media_dir) as process:
        assert eventually(lambda: home.state("sensor.shed_count") == "1", PATIENCE_S)
        for switch in ("recognition", "privacy"):
            entity = f"switch.shed_{switch}"
            former = home.state(entity)
            home.call("switch", "toggle", entity_id=entity)
            assert eventually(partial(shows, home, entity, "off" if former == "on" else "on"), PATIENCE_S)
        assert eventually(lambda: home.state("sensor.shed_count") == "unavailable", PATIENCE_S)
        assert home.state("binary_sensor.shed_occupancy") == "unavailable"
        assert home.state("sensor.shed_camera") == "private"
        assert home.state("event.shed_event") != "unavailable"
        home.call("switch", "turn_off", entity_id="switch.shed_privacy")
        assert eventually(lambda: home.state("sensor.shed_count") == "1", PATIENCE_S)
        process.kill()
        entities = home.device("event.shed_event")
        assert entities
        assert eventually(lambda: {home.state(entity) for entity in entities} == {"unavailable"}, PATIENCE_S)


def test_who_is_removed_while_home_assistant_is_down_is_gone_when_it_is_back(
    home: HomeAssistant, broker: Mosquitto, tmp_path: Path, media_dir: Path
) -> None:
    """No ghost stays; states are back, and no event fires again."""
    with (
        closing(Subscriber(broker.settings(), "homeassistant/device/facenode/door/config")) as subscriber,
        node("door", broker, tmp_path, media_dir),
    ):
        enrol(home, "door")
        assert eventually(lambda: "recognized" in str(home.entity("event.door_event")), PATIENCE_S)
        fired = home.state("event.door_event")
        home.end()
        subscriber.publish("facenode/door/request/people_remove", b'{"transaction":"1","id":"ada"}')
        assert eventually(lambda: b"ada" not in subscriber.messages[-1].payload, PATIENCE_S)
        home.start()
        assert eventually(lambda: home.state("sensor.door_count") == "1", PATIENCE_S)
        assert eventually(lambda: home.device("event.door_event") == named(ON, "door"), PATIENCE_S)
        assert home.state("event.door_event") == fired
        # The ghosts come and go within a moment, and then the node has forgotten them.
        assert eventually(lambda: b'{"p":"sensor"}' not in subscriber.messages[-1].payload, PATIENCE_S)
        assert home.device("event.door_event") == named(ON, "door")
        assert (
            home.render("{{ states | map(attribute='entity_id') | select('search', 'door_.*(ada|removed)') | list }}")
            == "[]"
        )


def test_blueprints_run_once_on_what_is_live_and_never_on_what_is_late_or_comes_back(
    home: HomeAssistant, broker: Mosquitto
) -> None:
    """An automation that opens a door must not run again because something was started anew."""
    topics = Topics("gate")
    health = '{"camera":"%s","cpu_c":null,"throttled":null,"p95_ms":null,"outbox":0,"dropped":0,"rejected":0,'
    health += '"model":"3f9a1c02","clock":"synced"}'
    with closing(Subscriber(broker.settings(), "ran/#")) as subscriber:

        def ran() -> list[str]:
            return [message.topic.removeprefix("ran/") for message in subscriber.messages]

        def tell(topic: str, **fields: object) -> None:
            told = {"id": uuid7(datetime.now(UTC)), **fields}
            subscriber.publish(f"{topics.base}/{topic}", json.dumps(told).encode())

        subscriber.publish(topics.status, b"online", retain=True)
        subscriber.publish(topics.discovery, discovery(topics, Device("Gate", "", "1")), retain=True)
        assert eventually(lambda: home.state("event.gate_event") == "unknown", PATIENCE_S)
        subscriber.publish(topics.health, (health % "ok").encode())
        # The first event of an entity's life runs nothing: it cannot be told from one that comes back.
        tell("event/left", event_type="left")
        assert eventually(lambda: "left" in str(home.entity("event.gate_event")), PATIENCE_S)
        tell("late/event/unknown", event_type="unknown")
        tell("event/unknown", event_type="unknown")
        tell("event/recognized", event_type="recognized", person={"id": "bob", "score": 0.9})
        tell("event/recognized", event_type="recognized", person={"id": "ada", "score": 0.9})
        assert eventually(lambda: len(ran()) == 2, PATIENCE_S)
        assert ran() == ["stranger_at_night", "somebody_comes_home"]
        subscriber.publish(topics.status, b"offline", retain=True)
        assert eventually(lambda: ran()[2:] == ["camera_away"], PATIENCE_S)
        subscriber.publish(topics.status, b"online", retain=True)
        subscriber.publish(topics.health, (health % "ok").encode())
        assert eventually(lambda: home.state("sensor.gate_camera") == "ok", PATIENCE_S)
        assert home.state("event.gate_event") not in (None, "unavailable")
        subscriber.publish(topics.health, (health % "lost").encode())
        assert eventually(lambda: ran()[2:] == ["camera_away", "camera_away"], PATIENCE_S)
        assert [message.payload for message in subscriber.messages[2:]] == [b"unavailable", b"lost"]
        home.end()
        home.start()
        assert eventually(partial(available, home, "event.gate_event", wanted=True), PATIENCE_S)
        tell("event/unknown", event_type="unknown")
        assert eventually(lambda: ran()[4:].count("stranger_at_night") == 1, PATIENCE_S)
        assert ran()[4:] == ["stranger_at_night"]
        # An entity that is removed triggers, too, without a state.
        without = json.loads(discovery(topics, Device("Gate", "", "1")))
        without["cmps"]["event"] = {"p": "event"}
        subscriber.publish(topics.discovery, json.dumps(without).encode(), retain=True)
        assert eventually(lambda: home.entity("event.gate_event") is None, PATIENCE_S)
