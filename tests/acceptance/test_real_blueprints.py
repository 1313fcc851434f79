"""The blueprints in a real Home Assistant run on live events, and on nothing else."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from home_assistant import BLUEPRINTS, HomeAssistant
from home_assistant_node import TIMEOUT_S, available, has_state, latest_event_type, node_process, reenter_view
from mjpeg_camera import MjpegCamera
from mosquitto_broker import Mosquitto, Subscriber, eventually, free_port

from node.contract.payloads import uuid7
from node.contract.topics import Topics
from node.homeassistant.discovery import Device, discovery

pytestmark = pytest.mark.timeout(1200)
NAMES = ("camera_away", "somebody_comes_home", "stranger_at_night")
HEALTH = (
    '{"camera":"%s","cpu_c":null,"throttled":null,"p95_ms":null,"outbox":0,"dropped":0,"rejected":0,'
    '"model":"3f9a1c02","clock":"synced"}'
)
ALL_DAY = {"after": "00:00:00", "before": "23:59:59"}


class ScriptedNode:
    """A node whose messages are scripted by a test.

    Args:
        subscriber: its connection, which also receives the messages of automations.
        name: the node's id.
    """

    def __init__(self, subscriber: Subscriber, name: str) -> None:
        self._subscriber, self._topics, self.name = subscriber, Topics(name), name

    def announce(self, home: HomeAssistant) -> None:
        """Come online and fire a first event, which runs nothing since it could be a restored one."""
        self._subscriber.publish(self._topics.status, b"online", retain=True)
        device = Device(self.name.title(), "", "1", snapshots=True)
        self._subscriber.publish(self._topics.discovery, discovery(self._topics, device), retain=True)
        assert eventually(partial(has_state, home, f"event.{self.name}_event", "unknown"), TIMEOUT_S)
        self.health("ok")
        self.publish_event("event/left", event_type="left")
        assert eventually(lambda: latest_event_type(home, f"event.{self.name}_event") == "left", TIMEOUT_S)

    def status(self, status: bytes) -> None:
        """Publish a status."""
        self._subscriber.publish(self._topics.status, status, retain=True)

    def health(self, camera: str) -> None:
        """Publish a camera state."""
        self._subscriber.publish(self._topics.health, (HEALTH % camera).encode())

    def publish_event(self, topic: str, **fields: object) -> None:
        """Publish an event."""
        payload = {"id": uuid7(datetime.now(UTC)), **fields}
        self._subscriber.publish(f"{self._topics.base}/{topic}", json.dumps(payload).encode())

    def without_events(self) -> None:
        """Remove the event entity."""
        payload = json.loads(discovery(self._topics, Device(self.name.title(), "", "1")))
        payload["cmps"]["event"] = {"p": "event"}
        self._subscriber.publish(self._topics.discovery, json.dumps(payload).encode(), retain=True)

    def ran(self) -> list[str]:
        """Return the automations that ran, in order."""
        start = f"ran/{self.name}/"
        return [m.topic.removeprefix(start) for m in self._subscriber.messages if m.topic.startswith(start)]

    def run_messages(self) -> list[bytes]:
        """Return the messages that the automations published."""
        return [m.payload for m in self._subscriber.messages if m.topic.startswith(f"ran/{self.name}/")]


def automate(home: HomeAssistant, gate: str, folder: str) -> None:
    """Create one automation from each blueprint, which publishes a message when it runs."""
    faces = f"event.{gate}_event"
    inputs: dict[str, dict[str, object]] = {
        "stranger_at_night": {"faces": faces, "picture": f"image.{gate}_snapshot", **ALL_DAY},
        "somebody_comes_home": {"faces": faces, "person": "ada"},
        "camera_away": {"camera": f"sensor.{gate}_camera", "wait": {"seconds": 2}},
    }
    for name, given in inputs.items():
        now = "{{ states(camera) }}" if name == "camera_away" else "{{ trigger.to_state.state }}"
        run_message = {"topic": f"ran/{gate}/{name}", "payload": now}
        then = [{"action": "mqtt.publish", "data": run_message}]
        home.automate(f"{gate}_{name}", f"{folder}/{name}.yaml", given | {"then": then})


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback, and return its address."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def test_blueprints_run_once_on_live_events_and_never_on_late_or_restored_ones(
    home: HomeAssistant, broker: Mosquitto
) -> None:
    """An automation that opens a door must not run again because something restarted."""
    with closing(Subscriber(broker.settings(), "ran/#")) as subscriber:
        gate = ScriptedNode(subscriber, "gate")
        listed = home.command("blueprint/list", domain="automation")
        assert all("metadata" in listed[f"facenode/{name}.yaml"] for name in NAMES)
        automate(home, "gate", "facenode")
        gate.announce(home)
        gate.publish_event("late/event/unknown", event_type="unknown")
        gate.publish_event("event/unknown", event_type="unknown")
        gate.publish_event("event/recognized", event_type="recognized", person={"id": "bob", "score": 0.9})
        gate.publish_event("event/recognized", event_type="recognized", person={"id": "ada", "score": 0.9})
        assert eventually(lambda: len(gate.ran()) == 2, TIMEOUT_S)
        assert gate.ran() == ["stranger_at_night", "somebody_comes_home"]
        gate.status(b"offline")
        assert eventually(lambda: gate.ran()[2:] == ["camera_away"], TIMEOUT_S)
        gate.status(b"online")
        gate.health("ok")
        assert eventually(partial(has_state, home, "sensor.gate_camera", "ok"), TIMEOUT_S)
        assert available(home, "event.gate_event")
        gate.health("lost")
        assert eventually(lambda: gate.ran()[2:] == ["camera_away", "camera_away"], TIMEOUT_S)
        assert gate.run_messages()[2:] == [b"unavailable", b"lost"]
        home.end()
        home.start()
        assert eventually(partial(available, home, "event.gate_event"), TIMEOUT_S)
        gate.publish_event("event/unknown", event_type="unknown")
        assert eventually(lambda: gate.ran()[4:].count("stranger_at_night") == 1, TIMEOUT_S)
        assert gate.ran()[4:] == ["stranger_at_night"]
        # Removing an entity also triggers, without a state.
        gate.without_events()
        assert eventually(lambda: home.entity("event.gate_event") is None, TIMEOUT_S)


def test_blueprints_are_imported_by_url(home: HomeAssistant, broker: Mosquitto) -> None:
    """As "Import blueprint" does: without an error, and their automations run."""
    with closing(Subscriber(broker.settings(), "ran/#")) as subscriber, served(BLUEPRINTS) as address:
        for name in NAMES:
            found = home.command("blueprint/import", url=f"{address}/{name}.yaml")
            assert found["validation_errors"] is None
            home.command(
                "blueprint/save", domain="automation", path=f"fetched/{name}", yaml=found["raw_data"],
                source_url=f"{address}/{name}.yaml",
            )  # fmt: skip
        automate(home, "barn", "fetched")
        barn = ScriptedNode(subscriber, "barn")
        barn.announce(home)
        barn.publish_event("event/unknown", event_type="unknown")
        barn.publish_event("event/recognized", event_type="recognized", person={"id": "ada", "score": 0.9})
        barn.health("lost")
        assert eventually(lambda: len(barn.ran()) == 3, TIMEOUT_S)
        assert barn.ran() == ["stranger_at_night", "somebody_comes_home", "camera_away"]


def test_an_outage_of_the_camera_runs_its_automation_once(
    home: HomeAssistant, broker: Mosquitto, tmp_path: Path, media_dir: Path
) -> None:
    """With a real node whose camera is off, however often the node restarts; the next outage runs it again."""
    port, wait_s, message = free_port(), 5, {"topic": "ran/yard/camera_away", "payload": "{{ states(camera) }}"}
    given = {"camera": "sensor.yard_camera", "wait": {"seconds": wait_s}}
    then = [{"action": "mqtt.publish", "data": message}]
    home.automate("yard_camera_away", "facenode/camera_away.yaml", given | {"then": then})
    settings = {
        "camera__source": f"video:http://127.0.0.1:{port}/camera.mjpeg",
        "camera__stall_s": 2,
        "camera__restart_after": 1,
    }
    with closing(Subscriber(broker.settings(), "ran/yard/#")) as subscriber:

        def ran() -> list[bytes]:
            return subscriber.on("ran/yard/camera_away")

        with node_process("yard", broker, tmp_path, media_dir, **settings) as process:
            assert eventually(partial(has_state, home, "sensor.yard_camera", "lost"), TIMEOUT_S)
            assert eventually(lambda: len(ran()) == 1, TIMEOUT_S)
            process.kill()
            process.wait()
            assert eventually(partial(has_state, home, "sensor.yard_camera", "unavailable"), TIMEOUT_S)
        with node_process("yard", broker, tmp_path, media_dir, **settings):
            assert eventually(partial(has_state, home, "sensor.yard_camera", "lost"), TIMEOUT_S)
            assert not eventually(lambda: len(ran()) > 1, 3 * wait_s)
            with MjpegCamera((media_dir / "astronaut.jpg").read_bytes(), port=port):
                assert eventually(partial(has_state, home, "sensor.yard_camera", "ok"), TIMEOUT_S)
                assert not eventually(lambda: len(ran()) > 1, 2 * wait_s)
            assert eventually(lambda: len(ran()) == 2, TIMEOUT_S)
        assert ran() == [b"lost", b"lost"]


def test_a_stranger_notification_has_the_snapshot_of_its_event(
    home: HomeAssistant, broker: Mosquitto, tmp_path: Path, media_dir: Path
) -> None:
    """With a real node and the blueprint's own action, the snapshot is the event's and is there in time."""
    given = {"faces": "event.porch_event", "picture": "image.porch_snapshot", **ALL_DAY}
    home.automate("porch_stranger", "facenode/stranger_at_night.yaml", given)
    with (
        closing(Subscriber(broker.settings(), "facenode/porch/#")) as subscriber,
        node_process("porch", broker, tmp_path, media_dir, publish__snapshots="face"),
    ):
        assert eventually(partial(available, home, "event.porch_event"), TIMEOUT_S)
        # The very first event runs nothing.
        reenter_view(home, broker, "porch")
        reenter_view(home, broker, "porch")

        def notified() -> str:
            found = [
                each["message"] for each in home.command("persistent_notification/get") if "Porch" in each["title"]
            ]
            return found[-1] if found else ""

        assert eventually(lambda: bool(notified()), TIMEOUT_S)
        picture = re.search(
            r"!\[The picture\]\((/api/image_proxy/image\.porch_snapshot\?token=\w+&event=(.+))\)", notified()
        )
        assert picture is not None, notified()
        assert home.fetch(picture[1]) == subscriber.on(f"facenode/porch/snapshot/{picture[2]}")[0]
