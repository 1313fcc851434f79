"""The blueprint "Who is it?" in a real Home Assistant: from event to phone, to the gallery, and to the next event."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from facenode_command import facenode
from home_assistant import HomeAssistant
from home_assistant_node import TIMEOUT_S, available, has_state, node_process, reenter_view
from home_assistant_phone import Phone, titles
from mjpeg_camera import MjpegCamera
from mosquitto_broker import Mosquitto, Subscriber, eventually
from running_node import NodeClient

from node.camera.image_file import read_image

pytestmark = pytest.mark.timeout(1200)
BLUEPRINT = "facenode/who_is_it.yaml"
QUIET_S = 5.0


@dataclass
class Asked:
    """A real node whose events are asked about on a phone.

    Attributes:
        home: the Home Assistant.
        broker: the broker between them.
        name: of the node.
        phone: the phone.
        process: the node's.
        node: sends requests to the node, and has its events.
        subscriber: everything that the node publishes.
    """

    home: HomeAssistant
    broker: Mosquitto
    name: str
    phone: Phone
    process: "subprocess.Popen[str]"
    node: NodeClient
    subscriber: Subscriber

    def visit(self) -> dict[str, Any]:
        """Make the person in view leave and come again; return the event."""
        reenter_view(self.home, self.broker, self.name)
        return self.last_event()

    def last_event(self) -> dict[str, Any]:
        """Return the latest event that is not a `left`."""
        return [event for event in self.node.events() if event["event_type"] != "left"][-1]

    def people(self) -> dict[str, dict[str, Any]]:
        """Return who is enrolled, by id."""
        return {each["id"]: each for each in self.node.request("people_list")["data"]}

    def answers(self, verb: str) -> list[dict[str, Any]]:
        """Return the node's answers to a verb so far."""
        return [json.loads(payload) for payload in self.subscriber.on(f"facenode/{self.name}/response/{verb}")]


@contextmanager
def asked(  # noqa: PLR0913 - what a scene is made of
    home: HomeAssistant, broker: Mosquitto, folder: Path, media_dir: Path, name: str, *, margin: float = 0.05
) -> Iterator[Asked]:
    """Yield a node that shows the stranger of the media and asks a phone about her; two ids are offered."""
    with (
        Phone(home, f"phone-{name}") as phone,
        closing(Subscriber(broker.settings(), f"facenode/{name}/#", client_id=f"all-of-{name}")) as subscriber,
        MjpegCamera((media_dir / "astronaut.jpg").read_bytes()) as camera,
        node_process(
            name, broker, folder, media_dir, publish__snapshots="face", camera__source=f"video:{camera.url}"
        ) as process,
    ):
        assert eventually(lambda: available(home, f"event.{name}_event"), TIMEOUT_S)
        inputs = {
            "faces": f"event.{name}_event", "phone": phone.device, "people": ["eileen", "ada"], "margin": margin,
            "picture": f"image.{name}_snapshot",
        }  # fmt: skip
        home.automate(f"{name}_who", BLUEPRINT, inputs)
        assert eventually(lambda: has_state(home, f"automation.{name}_who", "on"), TIMEOUT_S)
        yield Asked(home, broker, name, phone, process, NodeClient(subscriber, name), subscriber)


def has_count(scene: Asked, count: int) -> bool:
    """Return whether so many faces are in view."""
    return bool(scene.node.latest("state")["count"] == count)


def test_it_is_somebody(home: HomeAssistant, broker: Mosquitto, tmp_path: Path, media_dir: Path) -> None:
    """The question has the picture of its event; the answer enrolls the face, and the next visit has the name."""
    with asked(home, broker, tmp_path, media_dir, "hall1") as scene:
        scene.visit()  # the very first event of an entity runs nothing
        event = scene.visit()
        assert event["event_type"] == "unknown"
        question = scene.phone.notification(TIMEOUT_S)
        while question["data"]["tag"] != f"facenode-{event['id']}":
            question = scene.phone.notification(TIMEOUT_S)
        assert question["title"] == "Hall1: who is it?"
        assert titles(question) == ["It is eileen", "It is ada", "Ignore", "Snooze an hour"]
        picture = scene.phone.fetch(question["data"]["image"])
        assert picture == scene.subscriber.on(f"facenode/hall1/snapshot/{event['id']}")[0]
        scene.phone.press(question, "It is eileen")
        assert eventually(lambda: [each["status"] for each in scene.answers("people_enroll")] == ["ok"], TIMEOUT_S)
        assert scene.people()["eileen"]["faces"] == 1
        following = scene.visit()
        assert (following["event_type"], following["person"]["id"]) == ("recognized", "eileen")
        assert scene.phone.is_quiet(QUIET_S)


def test_ignore_her(home: HomeAssistant, broker: Mosquitto, tmp_path: Path, media_dir: Path) -> None:
    """She is known and ignored then: at her next visit she is counted, and makes no event."""
    with asked(home, broker, tmp_path, media_dir, "hall2") as scene:
        scene.visit()
        scene.visit()
        question = scene.phone.notification(TIMEOUT_S)
        scene.phone.press(question, "Ignore")
        assert eventually(lambda: [each["status"] for each in scene.answers("people_ignore")] == ["ok"], TIMEOUT_S)
        ((person, found),) = scene.people().items()
        assert person == f"ignored-{question['data']['tag'][-8:]}"
        assert found["ignored"]
        arrivals = [event for event in scene.node.events() if event["event_type"] != "left"]
        for state, count in (("on", 0), ("off", 1)):
            home.call("switch", f"turn_{state}", entity_id="switch.hall2_privacy")
            assert eventually(partial(has_count, scene, count), TIMEOUT_S)
        assert scene.phone.is_quiet(QUIET_S)
        assert [event for event in scene.node.events() if event["event_type"] != "left"] == arrivals


def test_snooze_an_hour(home: HomeAssistant, broker: Mosquitto, tmp_path: Path, media_dir: Path) -> None:
    """The node's alerts are silent, which its switch shows with the end, and nothing is asked meanwhile."""
    with asked(home, broker, tmp_path, media_dir, "hall3") as scene:
        scene.visit()
        scene.visit()
        scene.phone.press(scene.phone.notification(TIMEOUT_S), "Snooze an hour")
        assert eventually(lambda: has_state(home, "switch.hall3_snooze_stranger", "on"), TIMEOUT_S)
        switch = home.entity("switch.hall3_snooze_stranger")
        assert switch is not None
        assert switch["attributes"]["until"] == scene.node.latest("state")["snoozed"]["stranger"]
        raised = [json.loads(each) for each in scene.subscriber.on("facenode/hall3/alert/stranger")]
        while not scene.phone.is_quiet(QUIET_S):
            pass
        assert scene.visit()["event_type"] == "unknown"
        assert scene.phone.is_quiet(QUIET_S)
        later = [json.loads(each) for each in scene.subscriber.on("facenode/hall3/alert/stranger")][len(raised) :]
        assert [alert["state"] for alert in later if alert["state"] == "raised"] == []


def test_not_her(home: HomeAssistant, broker: Mosquitto, tmp_path: Path, media_dir: Path) -> None:
    """Somebody who was recognized by a small margin can be rejected: she is a stranger at her next visit."""
    changed = tmp_path / "alike.png"
    image = read_image(media_dir / "astronaut.jpg")
    cv2.imwrite(str(changed), cv2.cvtColor((image * 0.8).astype(np.uint8), cv2.COLOR_RGB2BGR))
    settings: dict[str, object] = {"node.id": "hall4", "storage.dir": tmp_path / "s"}
    photos = (changed, media_dir / "grace_hopper.jpg")
    assert facenode("people", "add", "ada", "--force", *photos, settings=settings).code == 0
    with asked(home, broker, tmp_path, media_dir, "hall4", margin=1.0) as scene:
        scene.visit()
        event = scene.visit()
        assert (event["event_type"], event["person"]["id"]) == ("recognized", "ada")
        assert 0 <= event["person"]["margin"] < 1
        question = scene.phone.notification(TIMEOUT_S)
        assert question["title"] == "Hall4: ada?"
        assert titles(question) == ["Not ada"]
        scene.phone.press(question, "Not ada")
        assert eventually(lambda: [each["status"] for each in scene.answers("people_reject")] == ["ok"], TIMEOUT_S)
        while not scene.phone.is_quiet(QUIET_S):
            pass
        assert scene.visit()["event_type"] == "unknown"
        assert titles(scene.phone.notification(TIMEOUT_S))[0] == "It is eileen"


def test_somebody_recognized_surely_is_not_asked_about(
    home: HomeAssistant, broker: Mosquitto, tmp_path: Path, media_dir: Path
) -> None:
    """Otherwise the phone would ask about the family all day."""
    settings: dict[str, object] = {"node.id": "hall5", "storage.dir": tmp_path / "s"}
    assert facenode("people", "add", "eileen", media_dir / "astronaut.jpg", settings=settings).code == 0
    with asked(home, broker, tmp_path, media_dir, "hall5") as scene:
        scene.visit()
        event = scene.visit()
        assert event["event_type"] == "recognized"
        assert event["person"]["margin"] > 0.05
        assert scene.phone.is_quiet(QUIET_S)


def test_an_answer_that_cannot_be_carried_out_comes_back(
    home: HomeAssistant, broker: Mosquitto, tmp_path: Path, media_dir: Path
) -> None:
    """A face that the node no longer remembers, or a node that is off: the phone says which, and nothing is learned."""
    with asked(home, broker, tmp_path, media_dir, "hall6") as scene:
        forgotten = "0193b0b0-0000-7000-8000-000000000000"
        button = {"action": f"facenode/hall6/is/{forgotten}/eileen", "title": "It is eileen"}
        scene.phone.press({"data": {"actions": [button]}}, "It is eileen")
        refused = scene.phone.notification(TIMEOUT_S)
        while refused["title"] != "Hall6: nothing was learned":
            refused = scene.phone.notification(TIMEOUT_S)
        assert "is not remembered" in refused["message"]
        assert scene.people() == {}
        scene.process.kill()
        scene.phone.press({"data": {"actions": [button]}}, "It is eileen")
        assert scene.phone.notification(TIMEOUT_S)["message"] == "The node does not answer."
