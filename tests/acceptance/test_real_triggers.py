"""Automations made by clicking in a real Home Assistant: each trigger of the device fires on its message alone."""

import json
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from home_assistant import HomeAssistant
from home_assistant_node import TIMEOUT_S, available, enroll, has_state, node_process, reenter_view
from mjpeg_camera import MjpegCamera
from mosquitto_broker import Mosquitto, Subscriber, eventually
from running_node import NodeClient
from test_real_blueprints import ScriptedNode

from node.contract.topics import Topics
from node.homeassistant.discovery import Device, discovery
from node.requests.verb import Verb

pytestmark = pytest.mark.timeout(1200)
RULE = "stranger"
_SUBSCRIBED_S = 3.0
"""Seconds after which Home Assistant has subscribed for a new trigger: it collects subscriptions for a while."""
MESSAGES: dict[tuple[str, str], tuple[str, dict[str, object]]] = {
    ("recognized", "face"): ("event/recognized", {"event_type": "recognized", "person": {"id": "ada", "score": 0.9}}),
    ("unknown", "face"): ("event/unknown", {"event_type": "unknown"}),
    ("changed", "face"): ("event/changed", {"event_type": "changed", "was": "unknown"}),
    ("left", "face"): ("event/left", {"event_type": "left", "seen_s": 1.0}),
    ("raised", RULE): (f"alert/{RULE}", {"event_type": RULE, "state": "raised"}),
    ("cleared", RULE): (f"alert/{RULE}", {"event_type": RULE, "state": "cleared"}),
}


def device_id(home: HomeAssistant, entity: str) -> str:
    """Return the id of the device that has an entity."""
    return home.render(f"{{{{ device_id('{entity}') }}}}")


def offered(home: HomeAssistant, device: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the triggers that the device's page offers, as it hands them to an automation, by type and subtype."""
    listed = home.command("device_automation/trigger/list", device_id=device)
    return {(each["type"], each["subtype"]): each for each in listed if each["domain"] == "mqtt"}


def automate_all(home: HomeAssistant, name: str, triggers: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Make an automation from each trigger, which publishes its own name and what it was triggered by."""
    for (kind, subtype), trigger in triggers.items():
        action = {"topic": f"ran/{name}/{kind}-{subtype}", "payload": "{{ trigger.payload_json.id }}"}
        fields = {
            "alias": f"{name} {kind} {subtype}", "triggers": [trigger], "conditions": [],
            "actions": [{"action": "mqtt.publish", "data": action}],
        }  # fmt: skip
        home.post(f"/api/config/automation/config/{name}_{kind}_{subtype}", fields)
    ids = [f"automation.{name}_{kind}_{subtype}" for kind, subtype in triggers]
    assert eventually(lambda: all(home.state(each) == "on" for each in ids), TIMEOUT_S)
    time.sleep(_SUBSCRIBED_S)


def test_each_trigger_of_the_list_fires_on_its_own_message(home: HomeAssistant, broker: Mosquitto) -> None:
    """The list has one for each event type and two for each rule; none fires on late messages or on another's."""
    with closing(Subscriber(broker.settings(), "ran/#", client_id="trigger-node")) as subscriber:
        scripted = ScriptedNode(subscriber, "click")
        topics = Topics("click")
        device = Device("Click", "", "1", rules=(RULE,), verbs=tuple(Verb))
        subscriber.publish(topics.status, b"online", retain=True)
        subscriber.publish(topics.discovery, discovery(topics, device), retain=True)
        assert eventually(lambda: available(home, "event.click_event"), TIMEOUT_S)
        triggers = offered(home, device_id(home, "event.click_event"))
        assert set(triggers) == set(MESSAGES)
        automate_all(home, "click", triggers)
        for late in ("late/event/unknown", f"late/alert/{RULE}"):
            scripted.publish_event(late, event_type="unknown", state="raised")
        expected = []
        for (kind, subtype), (topic, fields) in MESSAGES.items():
            scripted.publish_event(topic, **fields)
            expected.append(f"{kind}-{subtype}")
            assert eventually(lambda: len(scripted.ran()) >= len(expected), TIMEOUT_S)
            assert scripted.ran() == expected
        home.end()
        home.start()
        assert eventually(lambda: available(home, "event.click_event"), TIMEOUT_S)
        assert set(offered(home, device_id(home, "event.click_event"))) == set(MESSAGES)
        assert scripted.ran() == expected


def test_the_triggers_of_a_real_node_run_its_owners_automations(
    home: HomeAssistant, broker: Mosquitto, tmp_path: Path, media_dir: Path
) -> None:
    """A stranger comes, is enrolled, leaves and returns; the alert is raised and cleared."""
    with (
        closing(Subscriber(broker.settings(), "ran/#", "facenode/barn2/#", client_id="barn-watcher")) as subscriber,
        MjpegCamera((media_dir / "astronaut.jpg").read_bytes()) as camera,
        node_process("barn2", broker, tmp_path, media_dir, camera__source=f"video:{camera.url}"),
    ):
        assert eventually(lambda: available(home, "event.barn2_event"), TIMEOUT_S)
        automate_all(home, "barn2", offered(home, device_id(home, "event.barn2_event")))

        def ran(kind: str, subtype: str) -> list[str]:
            return [payload.decode() for payload in subscriber.on(f"ran/barn2/{kind}-{subtype}")]

        reenter_view(home, broker, "barn2")
        assert eventually(lambda: bool(ran("unknown", "face")), TIMEOUT_S)
        assert eventually(lambda: bool(ran("left", "face")), TIMEOUT_S)
        assert eventually(lambda: bool(ran("raised", RULE)), TIMEOUT_S)
        assert eventually(lambda: bool(ran("cleared", RULE)), TIMEOUT_S)
        enroll(home, "barn2")
        assert eventually(lambda: bool(ran("recognized", "face") or ran("changed", "face")), TIMEOUT_S)
        events = {event["id"] for event in NodeClient(subscriber, "barn2").events()}
        for kind in ("unknown", "left", "recognized", "changed"):
            assert set(ran(kind, "face")) <= events


def test_the_switch_of_a_rule_snoozes_it_and_shows_the_end(
    home: HomeAssistant, broker: Mosquitto, tmp_path: Path, media_dir: Path
) -> None:
    """For an hour, over a restart of the node; no alert is raised meanwhile, and one is when it is turned off."""
    switch = f"switch.cellar_snooze_{RULE}"

    def until() -> datetime | None:
        found = home.entity(switch)
        end = None if found is None else found["attributes"].get("until")
        return None if end is None else datetime.fromisoformat(end)

    def alerts(subscriber: Subscriber) -> list[str]:
        return [json.loads(payload)["state"] for payload in subscriber.on(f"facenode/cellar/alert/{RULE}")]

    with (
        closing(Subscriber(broker.settings(), "facenode/cellar/#", client_id="cellar-watcher")) as subscriber,
        MjpegCamera((media_dir / "astronaut.jpg").read_bytes()) as camera,
        node_process("cellar", broker, tmp_path, media_dir, camera__source=f"video:{camera.url}"),
    ):
        node = NodeClient(subscriber, "cellar")
        assert eventually(lambda: has_state(home, switch, "off"), TIMEOUT_S)
        assert until() is None
        home.call("switch", "turn_on", entity_id=switch)
        assert eventually(lambda: has_state(home, switch, "on"), TIMEOUT_S)
        end, at = until(), datetime.fromisoformat(node.latest("state")["at"])
        assert end is not None
        assert abs(end - at - timedelta(hours=1)) < timedelta(minutes=1)
        reenter_view(home, broker, "cellar")
        before = alerts(subscriber)
        home.call("button", "press", entity_id="button.cellar_restart")
        starts: Callable[[], int] = lambda: subscriber.on("facenode/cellar/status").count(b"online")  # noqa: E731
        assert eventually(lambda: starts() == 2, TIMEOUT_S)
        assert eventually(lambda: has_state(home, switch, "on"), TIMEOUT_S)
        again = until()
        assert again is not None
        assert abs(again - end) < timedelta(seconds=2)
        assert alerts(subscriber).count("raised") == before.count("raised")
        home.call("switch", "turn_off", entity_id=switch)
        assert eventually(lambda: has_state(home, switch, "off"), TIMEOUT_S)
        assert eventually(lambda: alerts(subscriber).count("raised") == before.count("raised") + 1, TIMEOUT_S)


def test_a_rule_that_is_gone_leaves_neither_switch_nor_trigger(home: HomeAssistant, broker: Mosquitto) -> None:
    """Home Assistant is told so; what belongs to other rules stays."""
    topics = Topics("shack")
    with closing(Subscriber(broker.settings(), "ran/#", client_id="shack-node")) as subscriber:
        subscriber.publish(topics.status, b"online", retain=True)
        both = Device("Shack", "", "1", rules=("crowd", RULE), verbs=tuple(Verb))
        subscriber.publish(topics.discovery, discovery(topics, both), retain=True)
        assert eventually(lambda: home.entity("switch.shack_snooze_crowd") is not None, TIMEOUT_S)
        one = Device("Shack", "", "1", rules=(RULE,), verbs=tuple(Verb))
        subscriber.publish(topics.discovery, discovery(topics, one, removed=("rule:crowd",)), retain=True)
        assert eventually(lambda: home.entity("switch.shack_snooze_crowd") is None, TIMEOUT_S)
        device = device_id(home, "event.shack_event")
        assert eventually(lambda: ("raised", "crowd") not in offered(home, device), TIMEOUT_S)
        assert ("raised", RULE) in offered(home, device)
        assert home.entity(f"switch.shack_snooze_{RULE}") is not None
