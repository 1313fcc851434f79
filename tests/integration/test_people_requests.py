"""Requests about people to a running node: enroll from view, correct, ignore and erase, without a restart."""

import json
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from facenode_command import facenode
from mosquitto_broker import Mosquitto, Subscriber, eventually
from node_messages import assert_valid, events, settings_for
from running_node import TIMEOUT_S, NodeClient, file_contents, running_facenode

pytestmark = [pytest.mark.broker, pytest.mark.timeout(600)]


def test_a_person_in_view_is_enrolled_by_a_request_and_recognized_without_a_restart(node_client: NodeClient) -> None:
    """The response comes first, then `recognized`."""
    assert eventually(lambda: node_client.event_types() == ["unknown"], TIMEOUT_S)
    answer = node_client.request("people_enroll", id="eileen", name="Eileen", for_s=1)
    assert answer["status"] == "ok"
    assert eventually(lambda: "recognized" in node_client.event_types(), TIMEOUT_S)
    assert eventually(lambda: [each["id"] for each in node_client.latest("state")["present"]] == ["eileen"], TIMEOUT_S)
    listed = node_client.request("people_list")["data"]
    assert [(person["id"], person["name"]) for person in listed] == [("eileen", "Eileen")]


def test_the_face_of_an_event_is_enrolled_by_its_id(node_client: NodeClient) -> None:
    """The id of an `unknown` event enrolls the person it is about."""
    assert eventually(lambda: node_client.event_types() == ["unknown"], TIMEOUT_S)
    event_id = node_client.events()[0]["id"]
    assert node_client.request("people_enroll", id="eileen", event=event_id)["status"] == "ok"
    assert eventually(lambda: "recognized" in node_client.event_types(), TIMEOUT_S)


def test_an_ignored_person_is_counted_but_has_no_event(node_client: NodeClient) -> None:
    """An ignored person in view counts in `state` without an event or a name."""
    assert eventually(lambda: node_client.event_types() == ["unknown"], TIMEOUT_S)
    assert node_client.request("people_ignore", id="postman", event=node_client.events()[0]["id"])["status"] == "ok"
    assert node_client.request("privacy", state="on")["status"] == "ok"
    assert node_client.request("privacy", state="off")["status"] == "ok"
    assert eventually(lambda: node_client.latest("state")["count"] == 1, TIMEOUT_S)
    assert "recognized" not in node_client.event_types()
    assert node_client.latest("state")["present"] == []


def test_a_rejected_face_is_a_stranger_and_the_right_person_is_still_known(
    mosquitto: Callable[..., Mosquitto], portrait_folder: Path, tmp_path: Path, media_dir: Path
) -> None:
    """After `people reject` a wrongly named stranger is `unknown`, and the person's own photo still matches."""
    broker = mosquitto()
    settings = settings_for(broker, portrait_folder, tmp_path / "s") | {
        "camera.source": f"images:{portrait_folder}",
        "camera.fps": 5,
    }
    # The stranger in the portraits is enrolled as Grace by mistake, together with Grace's own portrait.
    for photo in ("grace_hopper.jpg", "astronaut.jpg"):
        assert facenode("people", "add", "grace", "--force", media_dir / photo, settings=settings).code == 0
    with closing(Subscriber(broker.settings(), "facenode/#")) as subscriber, running_facenode(settings) as process:
        node_client = NodeClient(subscriber)
        assert eventually(lambda: node_client.event_types() == ["recognized"], TIMEOUT_S)
        result = facenode("people", "reject", "grace", "--event", node_client.events()[0]["id"], settings=settings)
        assert result.code == 0, result.err
        assert eventually(lambda: node_client.event_types() == ["recognized", "changed"], TIMEOUT_S)
        assert "person" not in node_client.events()[1]
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0
    (line,) = facenode("recognize", media_dir / "grace_hopper.jpg", "--json", settings=settings).out.splitlines()
    assert json.loads(line)["faces"][0]["identity"]["id"] == "grace"
    (line,) = facenode("recognize", media_dir / "astronaut.jpg", "--json", settings=settings).out.splitlines()
    assert json.loads(line)["faces"][0]["identity"]["id"] == "unknown"


@pytest.mark.parametrize("ended", [None, signal.SIGTERM, signal.SIGKILL])
def test_a_removed_person_leaves_no_trace(
    mosquitto: Callable[..., Mosquitto],
    portrait_folder: Path,
    tmp_path: Path,
    media_dir: Path,
    ended: signal.Signals | None,
) -> None:
    """No file, retained topic or log line holds the id, name or embedding, whether the node runs, stopped or died."""
    broker, alive = mosquitto(), ended is None
    settings = settings_for(broker, portrait_folder, tmp_path / "s") | {
        "camera.source": f"images:{portrait_folder}",
        "camera.fps": 5,
    }
    assert (
        facenode(
            "people", "add", "lovelace", "--name", "Ada Byron", media_dir / "astronaut.jpg", settings=settings
        ).code
        == 0
    )
    (record,) = (tmp_path / "s").rglob("person.json")
    embedding = json.loads(record.read_text())["anchors"][0]["embedding"].encode()
    with closing(Subscriber(broker.settings(), "facenode/#")) as subscriber, running_facenode(settings) as process:
        node_client = NodeClient(subscriber)
        assert eventually(lambda: node_client.event_types() == ["recognized"], TIMEOUT_S)
        if ended is not None:
            assert eventually(lambda: node_client.latest("state")["present"] != [], TIMEOUT_S)
            process.send_signal(ended)
            assert process.wait(TIMEOUT_S) == (0 if ended is signal.SIGTERM else -ended)
        dry = facenode("people", "remove", "lovelace", "--dry-run", settings=settings)
        assert dry.code == 0
        assert "lovelace" in dry.out
        assert record.exists()
        removed = facenode("people", "remove", "lovelace", settings=settings)
        assert (removed.code, removed.err) == (0, "")
        if alive:
            assert eventually(lambda: node_client.latest("state")["present"] == [], TIMEOUT_S)
            assert eventually(lambda: node_client.event_types()[-1] == "unknown", TIMEOUT_S)
            process.send_signal(signal.SIGTERM)
            assert process.wait(TIMEOUT_S) == 0
        assert process.stderr is not None
        log = process.stderr.read()
    left = file_contents(tmp_path / "s")
    with closing(Subscriber(broker.settings(), "#")) as late:
        assert eventually(lambda: len(late.messages) >= 4)
        left |= {Path(m.topic): bytes(m.payload) for m in late.messages}
    for trace in (b"lovelace", b"Ada Byron", embedding):
        assert not [str(path) for path, content in left.items() if trace in content]
    assert "lovelace" not in log
    assert_valid([m for m in subscriber.messages if "/request/" not in m.topic])
    if alive:
        assert "lovelace" not in json.dumps(events(subscriber.messages)[-1])


def test_unsent_messages_about_a_removed_person_are_erased_without_a_node(
    portrait_folder: Path, tmp_path: Path, media_dir: Path
) -> None:
    """A dry run counts the unsent messages about the person; `remove` erases them."""
    settings = {
        "storage.dir": tmp_path / "s",
        "camera.source": f"images:{portrait_folder}",
        "camera.fps": 5,
        "mqtt.port": 9,
    }
    assert facenode("people", "add", "lovelace", media_dir / "astronaut.jpg", settings=settings).code == 0

    def traces(start: str = "") -> list[str]:
        files = file_contents(tmp_path / "s").items()
        return [path.name for path, content in files if b"lovelace" in content and path.name.startswith(start)]

    with running_facenode(settings) as process:
        assert eventually(lambda: bool(traces("outbox")), TIMEOUT_S)
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT_S) == 0
    assert traces("outbox")
    assert (
        "1 message waiting for the broker"
        in facenode("people", "remove", "lovelace", "--dry-run", settings=settings).out
    )
    assert traces("outbox")
    assert facenode("people", "remove", "lovelace", settings=settings).code == 0
    assert not traces()
