"""Requests to a running node: privacy, recognition, a check, a new start; and alerts by the owner's rules."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from facenode import environment
from realbroker import Mosquitto, Subscriber, eventually
from told import events, settings_for, validate

pytestmark = pytest.mark.broker
PATIENCE_S = 30.0


@pytest.fixture
def album(tmp_path: Path, media_dir: Path) -> Path:
    """Return a folder that shows the same portrait for longer than any test takes."""
    folder = tmp_path / "album"
    folder.mkdir()
    for number in range(4000):
        (folder / f"{number:04}.jpg").symlink_to(media_dir / "astronaut.jpg")
    return folder


@contextmanager
def running(settings: Mapping[str, object], *arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """Run a node for as long as the context lasts."""
    process = subprocess.Popen(
        [sys.executable, "-m", "node.cli", "run", *map(str, arguments)],
        env=environment(settings), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


class House:
    """A subscriber that also asks."""

    def __init__(self, subscriber: Subscriber) -> None:
        self._subscriber = subscriber

    def ask(self, verb: str, **fields: object) -> dict[str, Any]:
        """Send a request and return its answer."""
        transaction = f"t{len(self._subscriber.messages)}"
        self._subscriber.publish(
            f"facenode/hall/request/{verb}", json.dumps({"transaction": transaction, **fields}).encode()
        )
        found: list[dict[str, Any]] = []

        def answered() -> bool:
            answers = map(json.loads, self._subscriber.on(f"facenode/hall/response/{verb}"))
            found[:] = [answer for answer in answers if answer["transaction"] == transaction]
            return bool(found)

        assert eventually(answered, PATIENCE_S)
        return found[0]

    def latest(self, topic: str) -> dict[str, Any]:
        """Return the latest state or health."""
        payloads = self._subscriber.on(f"facenode/hall/{topic}")
        return dict(json.loads(payloads[-1])) if payloads else {}

    def kinds(self) -> list[str]:
        """Return the types of all events so far."""
        return [event["event_type"] for event in events(self._subscriber.messages)]


@pytest.fixture
def house(mosquitto: Callable[..., Mosquitto], album: Path, tmp_path: Path) -> Iterator[House]:
    """Return somebody who can ask a running node."""
    broker = mosquitto()
    settings = settings_for(broker, album, tmp_path / "s") | {"camera.source": f"images:{album}", "camera.fps": 5}
    with closing(Subscriber(broker.settings(), "facenode/#")) as subscriber, running(settings) as process:
        asker = House(subscriber)
        assert eventually(lambda: bool(asker.latest("state")), PATIENCE_S)
        yield asker
        assert process.poll() is None


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
        ("fly", {}, "there is no such request"),
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
    assert house.ask("check")["data"]["version"]


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
