"""What an owner relies on over restarts: nobody is reported twice, and an alert is raised once and cleared once."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from facenode_command import facenode
from mosquitto_broker import Mosquitto, eventually
from node_messages import assert_valid
from running_node import TIMEOUT_S, file_contents
from watched_door import WatchedDoor, watched_door

pytestmark = [pytest.mark.broker, pytest.mark.timeout(900)]

WAYS = ("request", "SIGTERM", "SIGHUP", "SIGINT", "SIGKILL")


@pytest.fixture
def door(mosquitto: Callable[..., Mosquitto], tmp_path: Path) -> Iterator[WatchedDoor]:
    """Return a node with a scripted camera that is not started yet."""
    with watched_door(mosquitto(), tmp_path) as made:
        yield made


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["recognized", "unknown"])
def test_three_restarts_with_somebody_in_view_report_them_once(
    door: WatchedDoor, media_dir: Path, way: str, kind: str
) -> None:
    """One visit is one event, one alert, one `left` and one `cleared`, however often the process restarts."""
    photo = media_dir / "astronaut.jpg"
    if kind == "recognized":
        door.enroll("eileen", photo)
    rule = "known" if kind == "recognized" else "stranger"
    door.show(photo)
    door.start()
    assert eventually(lambda: door.event_types() == [kind], TIMEOUT_S)
    assert door.wait_until_found()
    for _ in range(3):
        door.restart(way)
        assert door.wait_until_found()
    assert door.event_types() == [kind]
    assert door.alerts(rule) == door.alerts("someone") == ["raised"]
    door.show(None)
    assert eventually(lambda: door.event_types() == [kind, "left"], TIMEOUT_S)
    assert eventually(lambda: door.alerts(rule) == door.alerts("someone") == ["raised", "cleared"], TIMEOUT_S)
    visit = door.events()
    assert "Traceback" not in door.log.read_text()
    assert visit[1]["boot"] == 4
    assert_valid([m for m in door.received.messages if "/request/" not in m.topic])


@pytest.mark.parametrize("way", ["SIGTERM", "SIGKILL"])
def test_whoever_leaves_while_the_node_is_down_has_left_once(door: WatchedDoor, media_dir: Path, way: str) -> None:
    """The start after which somebody is not found again reports their leaving, and clears the alert."""
    photo = media_dir / "astronaut.jpg"
    door.enroll("eileen", photo)
    door.show(photo)
    door.start()
    assert eventually(lambda: door.event_types() == ["recognized"], TIMEOUT_S)
    assert eventually(lambda: bool(door.kept()), TIMEOUT_S)
    door.end(signal.Signals[way])
    door.show(None)
    door.start()
    assert eventually(lambda: door.event_types() == ["recognized", "left"], TIMEOUT_S)
    assert door.events()[1]["person"]["id"] == "eileen"
    assert eventually(lambda: door.alerts("known") == ["raised", "cleared"], TIMEOUT_S)
    door.restart(way)
    assert not eventually(lambda: len(door.events()) > 2, 3)
    assert door.alerts("known") == ["raised", "cleared"]


def test_a_kill_between_what_is_kept_and_the_message_about_it_loses_no_message(
    door: WatchedDoor, media_dir: Path
) -> None:
    """What is kept holds only once the outbox has the message: somebody who comes or leaves is reported once."""
    photo = media_dir / "astronaut.jpg"
    door.enroll("eileen", photo)
    door.show(photo)
    door.start_killed("recognized")
    assert door.kept()["durations"]["visits"]
    assert not door.events()
    door.start()
    assert eventually(lambda: door.event_types() == ["recognized"], TIMEOUT_S)
    assert door.wait_until_found()
    door.end(signal.SIGKILL)
    door.show(None)
    door.start_killed("left")
    assert door.event_types() == ["recognized"]
    door.start()
    assert eventually(lambda: door.event_types() == ["recognized", "left"], TIMEOUT_S)
    assert [bool(visit["left"]) for visit in door.kept()["durations"]["visits"]] == [True]
    assert eventually(lambda: door.alerts("known") == ["raised", "cleared"], TIMEOUT_S)
    door.restart("SIGKILL")
    assert not eventually(lambda: len(door.events()) > 2, 3)
    assert door.alerts("known") == ["raised", "cleared"]


@pytest.mark.parametrize("running", [True, False])
def test_whoever_is_erased_is_in_no_file_and_in_no_later_message(
    door: WatchedDoor,
    media_dir: Path,
    running: bool,  # noqa: FBT001 - a table
) -> None:
    """With a running node and without one; the alert about them is cleared without the name."""
    photo = media_dir / "astronaut.jpg"
    door.enroll("eileen", photo)
    door.show(photo)
    door.start()
    assert eventually(lambda: door.event_types() == ["recognized"], TIMEOUT_S)
    assert door.wait_until_found()
    if not running:
        door.end(signal.SIGKILL)
    dry = facenode("people", "remove", "eileen", "--dry-run", settings=door.settings)
    assert f"would erase {door.storage / 'durations.json'}: a visit of theirs, or an alert about them" in dry.out
    assert facenode("people", "remove", "eileen", settings=door.settings).code == 0
    assert b"eileen" not in (door.storage / "durations.json").read_bytes()
    if not running:
        door.start()
    assert eventually(lambda: door.event_types() == ["recognized", "unknown"], TIMEOUT_S)
    assert eventually(lambda: door.alerts("known") == ["raised", "cleared"], TIMEOUT_S)
    door.end(signal.SIGTERM)
    cleared = [m for m in door.received.messages if m.topic.endswith("/alert/known")][-1]
    assert b"eileen" not in cleared.payload
    assert not [path for path, content in file_contents(door.storage).items() if b"eileen" in content]
