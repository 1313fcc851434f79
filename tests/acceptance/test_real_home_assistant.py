"""A node in a real Home Assistant: its device is complete and quiet, and its controls work."""

import json
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from facenode_command import facenode
from home_assistant import HomeAssistant
from home_assistant_node import (
    TIMEOUT_S,
    EntityTraits,
    available,
    camera_entities,
    diagnostics,
    enroll,
    entities,
    has_state,
    latest_event_type,
    node_process,
    reenter_view,
)
from mjpeg_camera import MjpegCamera
from mosquitto_broker import Mosquitto, Subscriber, eventually

pytestmark = pytest.mark.timeout(1200)


def traits(home: HomeAssistant, entity: str, entry: Mapping[str, Any]) -> EntityTraits:
    """Return the traits of an entity in Home Assistant."""
    found = home.entity(entity)
    shown = {} if found is None else found["attributes"]
    return (
        shown.get("device_class"), shown.get("unit_of_measurement"), shown.get("state_class"), entry["entity_category"]
    )  # fmt: skip


def test_the_device_is_complete(home: HomeAssistant, broker: Mosquitto, tmp_path: Path, media_dir: Path) -> None:
    """Every component is an entity with its id, class, unit, state class and category; noisy ones are disabled."""
    with node_process("hall", broker, tmp_path, media_dir, publish__snapshots="face"):
        assert eventually(lambda: home.state("sensor.hall_count") == "1", TIMEOUT_S)
        enroll(home, "hall")
        wanted = entities("hall", "ada", picture=True, noisy=True)
        assert eventually(lambda: home.registered("facenode_hall").keys() == wanted.keys(), TIMEOUT_S)
        off = {entity for entity, entry in home.registered("facenode_hall").items() if entry["disabled_by"]}
        assert off == wanted.keys() - entities("hall", "ada", picture=True).keys()
        for entity in off:
            home.command("config/entity_registry/update", entity_id=entity, disabled_by=None)
        with home.firings("event.hall_event") as firings:
            home.reload()
            assert eventually(lambda: all(available(home, entity) for entity in wanted), TIMEOUT_S)
            assert home.state("binary_sensor.hall_person_ada") == "on"
            assert firings.event_types() == []
        found = {entity: traits(home, entity, entry) for entity, entry in home.registered("facenode_hall").items()}
        assert found == wanted
        assert home.render("{{ device_attr('event.hall_event', 'name') }}") == "Hall"
        assert home.render("{{ state_attr('sensor.hall_seen_ada', 'friendly_name') }}") == "Hall ada last seen"


def test_each_live_event_fires_once_with_its_fields_and_snapshot(
    home: HomeAssistant, broker: Mosquitto, tmp_path: Path, media_dir: Path
) -> None:
    """Live events fire in order, late events do not fire, and the snapshot is the node's."""
    with (
        closing(Subscriber(broker.settings(), "facenode/yard/#")) as subscriber,
        node_process("yard", broker, tmp_path, media_dir, publish__snapshots="face"),
    ):
        assert eventually(lambda: available(home, "event.yard_event"), TIMEOUT_S)

        def live_events() -> list[dict[str, Any]]:
            return [json.loads(m.payload) for m in subscriber.messages if "/yard/event/" in m.topic]

        # The first events may come before Home Assistant knows the node.
        reenter_view(home, broker, "yard")
        assert latest_event_type(home, "event.yard_event") == "unknown"
        with home.firings("event.yard_event") as firings, home.firings("event.yard_alert") as alerts:
            before = len(live_events())
            enroll(home, "yard")
            assert eventually(lambda: firings.event_types() == ["recognized"], TIMEOUT_S)
            reenter_view(home, broker, "yard")
            assert eventually(lambda: firings.event_types() == ["recognized", "left", "recognized"], TIMEOUT_S)
            late = {**live_events()[-1], "id": "01936d4e-0000-7000-8000-000000000000"}
            subscriber.publish("facenode/yard/late/event/recognized", json.dumps(late).encode())
            home.call(
                "mqtt", "publish", topic="facenode/yard/request/people_remove", payload='{"transaction":"1","id":"ada"}'
            )
            assert eventually(lambda: home.state("sensor.yard_last_person") == "unknown", TIMEOUT_S)
            reenter_view(home, broker, "yard")
            assert eventually(lambda: firings.event_types()[-1] == "unknown", TIMEOUT_S)
            assert firings.ids() == [event["id"] for event in live_events()[before:]]
            assert eventually(lambda: [each["state"] for each in alerts.attributes][-1] == "raised", TIMEOUT_S)
        fired = firings.attributes[0]
        for field in ("id", "boot", "seq", "at", "track", "person", "age", "box", "model"):
            assert fired[field] == live_events()[before][field]
        assert fired["person"]["id"] == "ada"
        pictures = subscriber.on(f"facenode/yard/snapshot/{firings.ids()[-1]}")
        assert home.picture("image.yard_snapshot") == pictures[0]
        assert not {"binary_sensor.yard_person_ada", "sensor.yard_seen_ada"} & home.registered("facenode_yard").keys()


def test_every_control_acts_on_the_node_and_shows_its_state(
    home: HomeAssistant, broker: Mosquitto, tmp_path: Path, media_dir: Path
) -> None:
    """Switches, enrollment text and button work; in privacy mode diagnostics and events stay available."""
    with (
        closing(Subscriber(broker.settings(), "facenode/shed/#")) as subscriber,
        node_process("shed", broker, tmp_path, media_dir) as process,
    ):
        assert eventually(lambda: home.state("sensor.shed_count") == "1", TIMEOUT_S)
        for state in ("off", "on"):
            home.call("switch", f"turn_{state}", entity_id="switch.shed_recognition")
            assert eventually(partial(has_state, home, "switch.shed_recognition", state), TIMEOUT_S)
            assert json.loads(subscriber.on("facenode/shed/state")[-1])["recognition"] == state
        home.call("switch", "turn_on", entity_id="switch.shed_privacy")
        assert eventually(partial(has_state, home, "switch.shed_privacy", "on"), TIMEOUT_S)
        assert eventually(partial(has_state, home, "sensor.shed_camera", "private"), TIMEOUT_S)
        assert eventually(lambda: all(home.state(each) == "unavailable" for each in camera_entities("shed")), TIMEOUT_S)
        assert all(available(home, each) for each in (*diagnostics("shed"), "event.shed_event", "event.shed_alert"))
        home.call("switch", "turn_off", entity_id="switch.shed_privacy")
        assert eventually(lambda: home.state("sensor.shed_count") == "1", TIMEOUT_S)
        enroll(home, "shed")
        assert eventually(lambda: home.state("sensor.shed_last_person") == "ada", TIMEOUT_S)
        starts = subscriber.on("facenode/shed/status").count(b"online")
        home.call("button", "press", entity_id="button.shed_restart")
        assert eventually(lambda: subscriber.on("facenode/shed/status").count(b"online") == starts + 1, TIMEOUT_S)
        assert eventually(lambda: home.state("sensor.shed_count") == "1", TIMEOUT_S)
        assert eventually(partial(has_state, home, "binary_sensor.shed_person_ada", "on"), TIMEOUT_S)
        assert process.poll() is None


def test_all_entities_of_a_killed_node_are_unavailable(
    home: HomeAssistant, broker: Mosquitto, tmp_path: Path, media_dir: Path
) -> None:
    """None of its last states looks current."""
    with node_process("attic", broker, tmp_path, media_dir, publish__snapshots="face") as process:
        assert eventually(lambda: home.state("sensor.attic_count") == "1", TIMEOUT_S)
        enroll(home, "attic")
        process.kill()
        wanted = entities("attic", "ada", picture=True)
        assert eventually(lambda: {home.state(each) for each in wanted} == {"unavailable"}, TIMEOUT_S)


def test_a_lost_camera_leaves_diagnostics_and_events_available(
    home: HomeAssistant, broker: Mosquitto, tmp_path: Path, media_dir: Path
) -> None:
    """A lost camera must not look like an empty room; its entities come back by themselves."""
    with (
        MjpegCamera((media_dir / "astronaut.jpg").read_bytes()) as camera,
        node_process(
            "gatehouse", broker, tmp_path, media_dir,
            camera__source=f"video:{camera.url}", camera__stall_s=2, camera__restart_after=100,
        ),
    ):  # fmt: skip
        assert eventually(lambda: home.state("sensor.gatehouse_count") == "1", TIMEOUT_S)
        camera.playing.clear()
        assert eventually(partial(has_state, home, "sensor.gatehouse_camera", "lost"), TIMEOUT_S)
        assert eventually(
            lambda: all(home.state(each) == "unavailable" for each in camera_entities("gatehouse")), TIMEOUT_S
        )
        assert all(available(home, each) for each in (*diagnostics("gatehouse"), "event.gatehouse_event"))
        camera.playing.set()
        assert eventually(partial(has_state, home, "sensor.gatehouse_camera", "ok"), TIMEOUT_S)
        assert eventually(lambda: home.state("sensor.gatehouse_count") == "1", TIMEOUT_S)


def test_changes_while_home_assistant_is_down_are_applied_at_its_start(
    home: HomeAssistant, broker: Mosquitto, tmp_path: Path, media_dir: Path
) -> None:
    """Removed people are gone, added people are there, states are restored, and no event fires again."""
    with (
        closing(Subscriber(broker.settings(), "homeassistant/device/facenode/door/config")) as subscriber,
        node_process("door", broker, tmp_path, media_dir),
    ):
        enroll(home, "door")
        assert eventually(lambda: latest_event_type(home, "event.door_event") == "recognized", TIMEOUT_S)
        fired = home.state("event.door_event")
        home.end()
        subscriber.publish("facenode/door/request/people_remove", b'{"transaction":"1","id":"ada"}')
        assert eventually(lambda: b"ada" not in subscriber.messages[-1].payload, TIMEOUT_S)
        photo = media_dir / "grace_hopper.jpg"
        added = facenode("people", "add", "grace", photo, settings={"node.id": "door", "storage.dir": tmp_path / "s"})
        assert added.code == 0, added.err
        assert eventually(lambda: b"grace" in subscriber.messages[-1].payload, TIMEOUT_S)
        # Nobody should retain an event; a retained one must not open a door.
        subscriber.publish("facenode/door/event/unknown", b'{"id":"1","event_type":"unknown"}', retain=True)
        home.start()
        assert eventually(lambda: home.state("sensor.door_count") == "1", TIMEOUT_S)
        wanted = entities("door", "grace", noisy=True)
        assert eventually(lambda: home.registered("facenode_door").keys() == wanted.keys(), TIMEOUT_S)
        assert home.state("event.door_event") == fired
        # Removal messages are published and withdrawn within a moment, and then the node has forgotten them.
        assert eventually(lambda: b'{"p":"sensor"}' not in subscriber.messages[-1].payload, TIMEOUT_S)
        assert home.registered("facenode_door").keys() == wanted.keys()
        names = "{{ states | map(attribute='entity_id') | select('search', 'door_.*(ada|removed)') | list }}"
        assert home.render(names) == "[]"
        subscriber.publish("facenode/door/event/unknown", b"", retain=True)
