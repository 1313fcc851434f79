"""Requests to a running node: privacy, recognition, a check, a new start; and alerts by the owner's rules."""

import json
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from house import PATIENCE_S, House, running
from realbroker import Mosquitto, Subscriber, eventually
from told import events, settings_for, validate

pytestmark = pytest.mark.broker


def test_privacy_looks_away_and_says_so_and_survives_a_new_start(
    mosquitto: Callable[..., Mosquitto], album: Path, tmp_path: Path
) -> None:
    """Who was in view has left, nobody new is seen, also after `restart`; the process keeps its number."""
    broker = mosquitto()
    settings = settings_for(broker, album, tmp_path / "s") | {"camera.source": f"images:{album}", "camera.fps": 5}
    with closing(Subscriber(broker.settings(), "facenode/#")) as subscriber, running(settings) as process:
        house = House(subscriber)
        assert eventually(lambda: house.kinds() == ["unknown"], PATIENCE_S)
        assert house.ask("privacy", state="on")["status"] == "ok"
        assert eventually(lambda: house.kinds() == ["unknown", "left"], PATIENCE_S)
        assert eventually(lambda: house.latest("health").get("camera") == "private", PATIENCE_S)
        assert house.latest("state")["privacy"] == "on"
        assert house.ask("restart")["status"] == "ok"
        assert eventually(lambda: subscriber.on("facenode/hall/status").count(b"online") == 2, PATIENCE_S)
        assert process.poll() is None
        assert house.ask("check")["data"]["camera"] == "private"
        assert house.kinds() == ["unknown", "left"]
        assert house.ask("privacy", state="off")["status"] == "ok"
        assert eventually(lambda: house.kinds() == ["unknown", "left", "unknown"], PATIENCE_S)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
        validate([m for m in subscriber.messages if "/request/" not in m.topic])


def test_without_recognition_faces_are_counted_and_nobody_is_named(
    mosquitto: Callable[..., Mosquitto], album: Path, tmp_path: Path
) -> None:
    """`recognition` off makes no event; the count goes on."""
    broker = mosquitto()
    settings = settings_for(broker, album, tmp_path / "s") | {"camera.source": f"images:{album}", "camera.fps": 5}
    with closing(Subscriber(broker.settings(), "facenode/#")) as subscriber:
        house = House(subscriber)
        with running(settings | {"events.unknown_votes": 100}):
            assert eventually(lambda: bool(house.latest("state")), PATIENCE_S)
            assert house.ask("recognition", state="off")["status"] == "ok"
            assert eventually(lambda: house.latest("state")["recognition"] == "off", PATIENCE_S)
            assert eventually(lambda: house.latest("state")["count"] == 1, PATIENCE_S)
            assert house.kinds() == []


@pytest.mark.parametrize(
    ("verb", "fields", "message"),
    [
        ("privacy", {"state": "maybe"}, 'state: must be "on" or "off"'),
        ("fly", {}, "no such request"),
        ("snooze", {"for_s": -1}, "for_s"),
    ],
)
def test_a_bad_request_is_answered_and_disturbs_nothing(
    house: House, verb: str, fields: dict[str, object], message: str
) -> None:
    """The answer says what is wrong; the node goes on."""
    answer = house.ask(verb, **fields)
    assert answer["status"] == "error"
    assert message in answer["error"]
    assert house.ask("check")["data"]["requests_ignored"] == 0


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
        with running(settings, "--config", rules) as process:
            assert process.wait(60) == 0
        validate(seen.messages)
        alerts = [json.loads(payload) for payload in seen.on("facenode/hall/alert/stranger")]
        assert [alert["state"] for alert in alerts] == ["raised", "cleared"]
        assert alerts[0]["event_id"] == events(seen.messages)[0]["id"]


def test_a_request_that_is_ignored_is_counted_where_the_owner_sees_it(house: House) -> None:
    """What has no transaction gets no answer; `check` tells how many there were."""
    house.send("privacy", b'{"state":"on"}')
    assert house.ask("check")["data"]["requests_ignored"] == 1
    assert house.latest("state")["privacy"] == "off"
