"""`facenode run`: a face in a clip becomes events on a real broker."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import cv2
import pytest
from facenode_command import environment, facenode
from mosquitto_broker import Mosquitto, Subscriber, eventually
from node_messages import assert_valid, comparable, events, settings_for

from node.camera.video import read_video
from node.mqtt.link import Received

pytestmark = pytest.mark.broker
STILLS = 5

StartBroker = Callable[..., Mosquitto]


@pytest.fixture(params=["carphone", "data"])
def clip(request: pytest.FixtureRequest, media_dir: Path) -> Path:
    """Return a clip of one man: the one that ships with the program, and a longer one of the face data."""
    if request.param == "carphone":
        return media_dir / "carphone.mp4"
    folder: Path = request.getfixturevalue("data_dir")
    return folder / "media" / "WolfgangLanger_Pexels.mp4"


def enroll(clip: Path, folder: Path, settings: Mapping[str, object]) -> None:
    """Enroll the man of a clip from five stills of its first half."""
    folder.mkdir()
    frames = list(read_video(clip))
    step = len(frames) // (2 * STILLS)
    for number in range(STILLS):
        cv2.imwrite(str(folder / f"{number}.png"), cv2.cvtColor(frames[number * step], cv2.COLOR_RGB2BGR))
    result = facenode("people", "add", "ada", "--name", "Ada Lovelace", folder, settings=settings)
    assert result.code == 0, result.err


def run(settings: Mapping[str, object], broker: Mosquitto) -> list[Received]:
    """Run the node to its end and return the messages of a subscriber."""
    with closing(Subscriber(broker.settings(), "facenode/#", "homeassistant/#")) as subscriber:
        result = facenode("run", settings=settings, timeout_s=100)
        assert result.code == 0, result.err
        assert eventually(
            lambda: [m.payload for m in subscriber.messages if m.topic.endswith("/status")][-1:] == [b"offline"]
        )
        return list(subscriber.messages)


def test_with_nobody_enrolled_everybody_is_unknown(mosquitto: StartBroker, clip: Path, tmp_path: Path) -> None:
    """One man gives one `unknown` and one `left`, no `recognized`; the process exits with 0 by itself."""
    broker = mosquitto()
    messages = run(settings_for(broker, clip, tmp_path / "storage"), broker)
    assert_valid(messages)
    published = events(messages)
    assert [event["event_type"] for event in published] == ["unknown", "left"]
    assert all("person" not in event and "ethnicity" not in event for event in published)
    assert [event["seq"] for event in published] == [1, 2]


def test_an_enrolled_man_is_recognized(mosquitto: StartBroker, clip: Path, tmp_path: Path) -> None:
    """After enrollment from five stills he is `recognized` by name, with no other event but `left`."""
    broker = mosquitto()
    settings = settings_for(broker, clip, tmp_path / "storage")
    enroll(clip, tmp_path / "stills", settings)
    messages = run(settings, broker)
    assert_valid(messages)
    published = events(messages)
    assert [event["event_type"] for event in published] == ["recognized", "left"]
    assert {event["person"]["id"] for event in published} == {"ada"}
    states = [json.loads(m.payload) for m in messages if m.topic.endswith("/state")]
    assert any([each["id"] for each in state["present"]] == ["ada"] for state in states)


def test_the_same_clip_twice_gives_the_same_events(mosquitto: StartBroker, clip: Path, tmp_path: Path) -> None:
    """A replay is deterministic, apart from ids and wall times."""
    broker = mosquitto()
    runs = [run(settings_for(broker, clip, tmp_path / name), broker) for name in ("a", "b")]
    first, second = ([comparable(event) for event in events(messages)] for messages in runs)
    assert first
    assert first == second


def test_afterwards_only_status_state_health_and_discovery_are_retained(
    mosquitto: StartBroker, tmp_path: Path, media_dir: Path
) -> None:
    """`status` is offline and `state` is empty; no retained event could open a door."""
    broker = mosquitto()
    run(settings_for(broker, media_dir / "carphone.mp4", tmp_path / "storage"), broker)
    with closing(Subscriber(broker.settings(), "#")) as late:
        assert eventually(lambda: len(late.messages) == 4)
        kept = {m.topic: m.payload for m in late.messages}
    assert kept["facenode/hall/status"] == b"offline"
    state = json.loads(kept["facenode/hall/state"])
    assert (state["count"], state["present"], state["people"]) == (0, [], {})
    assert set(kept) == {
        "facenode/hall/status",
        "facenode/hall/state",
        "facenode/hall/health",
        "homeassistant/device/facenode/hall/config",
    }


def test_online_comes_before_anything_else(mosquitto: StartBroker, tmp_path: Path, media_dir: Path) -> None:
    """`status` is published before `state`, so that a consumer never sees them in the wrong order."""
    broker = mosquitto()
    messages = run(settings_for(broker, media_dir / "carphone.mp4", tmp_path / "storage"), broker)
    assert (messages[0].topic, messages[0].payload) == ("facenode/hall/status", b"online")
    assert [m.payload for m in messages if m.topic.endswith("/status")] == [b"online", b"offline"]


def test_ethnicity_is_published_only_when_listed(mosquitto: StartBroker, tmp_path: Path, media_dir: Path) -> None:
    """An owner who lists `ethnicity` in `publish.tasks` gets it; nobody else does."""
    broker = mosquitto()
    settings = settings_for(broker, media_dir / "carphone.mp4", tmp_path / "storage")
    published = events(run(settings | {"publish.tasks": "identity,ethnicity"}, broker))
    assert all("ethnicity" in event and "age" not in event for event in published)


def test_a_person_enrolled_while_the_node_runs_is_recognized_without_a_restart(
    mosquitto: StartBroker, tmp_path: Path, media_dir: Path
) -> None:
    """An `unknown` person becomes `recognized`; SIGTERM ends the node with 0, and ends no visit."""
    broker = mosquitto()
    settings = settings_for(broker, media_dir, tmp_path / "storage") | {
        "camera.source": f"images:{_portraits(tmp_path, media_dir)}",
        "camera.fps": 5,
        "events.recheck_s": 0,
    }
    with closing(Subscriber(broker.settings(), "facenode/#")) as subscriber:

        def event_types() -> list[str]:
            return [event["event_type"] for event in events(subscriber.messages)]

        process = subprocess.Popen(
            [sys.executable, "-m", "node.cli", "run"], env=environment(settings), stderr=subprocess.PIPE, text=True
        )
        try:
            assert eventually(lambda: event_types() == ["unknown"], 30)
            assert facenode("people", "add", "eileen", media_dir / "astronaut.jpg", settings=settings).code == 0
            assert eventually(lambda: "recognized" in event_types(), 30)
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
            assert eventually(lambda: event_types() == ["unknown", "recognized"])
        finally:
            process.kill()
            process.communicate()
    assert events(subscriber.messages)[1]["person"]["id"] == "eileen"


def _portraits(folder: Path, media: Path) -> Path:
    """Return a folder that shows the same portrait for long enough to enroll a person meanwhile."""
    portrait_folder = folder / "portrait_folder"
    portrait_folder.mkdir()
    for number in range(1500):
        (portrait_folder / f"{number:04}.jpg").symlink_to(media / "astronaut.jpg")
    return portrait_folder
