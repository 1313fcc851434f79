"""Requests to a running node (privacy, recognition, check, restart), and alerts by the owner's rules."""

import json
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from mosquitto_broker import Mosquitto, Subscriber, eventually
from node_messages import assert_valid, events, settings_for
from running_node import TIMEOUT_S, NodeClient, running_facenode

pytestmark = pytest.mark.broker


def test_privacy_stops_recognition_and_survives_a_restart(
    mosquitto: Callable[..., Mosquitto], portrait_folder: Path, tmp_path: Path
) -> None:
    """People in view leave and nobody new is reported, also after `restart`, which keeps the process."""
    broker = mosquitto()
    settings = settings_for(broker, portrait_folder, tmp_path / "s") | {
        "camera.source": f"images:{portrait_folder}",
        "camera.fps": 5,
    }
    with closing(Subscriber(broker.settings(), "facenode/#")) as subscriber, running_facenode(settings) as process:
        node_client = NodeClient(subscriber)
        assert eventually(lambda: node_client.event_types() == ["unknown"], TIMEOUT_S)
        assert node_client.request("privacy", state="on")["status"] == "ok"
        assert eventually(lambda: node_client.event_types() == ["unknown", "left"], TIMEOUT_S)
        assert eventually(lambda: node_client.latest("health").get("camera") == "private", TIMEOUT_S)
        assert node_client.latest("state")["privacy"] == "on"
        assert node_client.request("restart")["status"] == "ok"
        assert eventually(lambda: subscriber.on("facenode/hall/status").count(b"online") == 2, TIMEOUT_S)
        assert process.poll() is None
        assert node_client.request("check")["data"]["camera"] == "private"
        assert node_client.event_types() == ["unknown", "left"]
        assert node_client.request("privacy", state="off")["status"] == "ok"
        assert eventually(lambda: node_client.event_types() == ["unknown", "left", "unknown"], TIMEOUT_S)
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0
        assert_valid([m for m in subscriber.messages if "/request/" not in m.topic])


def test_with_recognition_off_faces_are_counted_but_not_named(
    mosquitto: Callable[..., Mosquitto], portrait_folder: Path, tmp_path: Path
) -> None:
    """`recognition` off makes no event, while the count goes on."""
    broker = mosquitto()
    settings = settings_for(broker, portrait_folder, tmp_path / "s") | {
        "camera.source": f"images:{portrait_folder}",
        "camera.fps": 5,
    }
    with closing(Subscriber(broker.settings(), "facenode/#")) as subscriber:
        node_client = NodeClient(subscriber)
        with running_facenode(settings | {"events.unknown_votes": 100}):
            assert eventually(lambda: bool(node_client.latest("state")), TIMEOUT_S)
            assert node_client.request("recognition", state="off")["status"] == "ok"
            assert eventually(lambda: node_client.latest("state")["recognition"] == "off", TIMEOUT_S)
            assert eventually(lambda: node_client.latest("state")["count"] == 1, TIMEOUT_S)
            assert node_client.event_types() == []


@pytest.mark.parametrize(
    ("verb", "fields", "message"),
    [
        ("privacy", {"state": "maybe"}, 'state: must be "on" or "off"'),
        ("fly", {}, "no such request"),
        ("snooze", {"for_s": -1}, "for_s"),
    ],
)
def test_an_invalid_request_gets_an_error_response(
    node_client: NodeClient, verb: str, fields: dict[str, object], message: str
) -> None:
    """The response says what is wrong, and the node goes on."""
    answer = node_client.request(verb, **fields)
    assert answer["status"] == "error"
    assert message in answer["error"]
    assert node_client.request("check")["data"]["requests_ignored"] == 0


def test_a_rule_raises_an_alert_that_names_its_event_and_is_cleared(
    mosquitto: Callable[..., Mosquitto], media_dir: Path, tmp_path: Path
) -> None:
    """A security subscriber needs only `alert/#` and `status`."""
    broker = mosquitto()
    rules = tmp_path / "facenode.toml"
    rules.write_text('[[alerts.rules]]\nid = "stranger"\nwhen = "unknown"\nnobody_enrolled = true\n')
    settings = settings_for(broker, media_dir / "carphone.mp4", tmp_path / "s")
    with closing(
        Subscriber(broker.settings(), "facenode/+/alert/#", "facenode/+/status", "facenode/+/event/#")
    ) as seen:
        with running_facenode(settings, "--config", rules) as process:
            assert process.wait(60) == 0
        assert_valid(seen.messages)
        alerts = [json.loads(payload) for payload in seen.on("facenode/hall/alert/stranger")]
        assert [alert["state"] for alert in alerts] == ["raised", "cleared"]
        assert alerts[0]["event_id"] == events(seen.messages)[0]["id"]


def test_an_ignored_request_is_counted(node_client: NodeClient) -> None:
    """A request without a transaction gets no response; `check` returns how many there were."""
    node_client.send("privacy", b'{"state":"on"}')
    assert node_client.request("check")["data"]["requests_ignored"] == 1
    assert node_client.latest("state")["privacy"] == "off"
